// The second Worker: the same code, with an isolate of its own for the models that are too large to share one.
import type { Hono } from 'hono';
import { createTensorApp } from './app.ts';
import { answer, type EdgeEnv, edgeHost } from './edge-host.ts';

/** Nothing but models lives here, so that they may take more of the 128 MB. */
const MEMORY_BYTES = 112_000_000;

let app: Hono | undefined;

export default {
  fetch(request, env, context) {
    app ??= createTensorApp({ ...edgeHost(env), memoryBytes: MEMORY_BYTES });
    return answer(app, request, env, context);
  },
} satisfies ExportedHandler<EdgeEnv>;
