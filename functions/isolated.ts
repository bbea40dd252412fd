// The second Worker: the same code, with an isolate of its own for the models that are too large to share one.
import type { Hono } from 'hono';
import { createTensorApp } from './app.ts';
import { OWN_ISOLATE_BYTES } from './catalogue/isolate-bytes.ts';
import { answer, type EdgeEnv, edgeHost } from './edge-host.ts';

let app: Hono | undefined;

export default {
  fetch(request, env, context) {
    app ??= createTensorApp({ ...edgeHost(env), memoryBytes: OWN_ISOLATE_BYTES });
    return answer(app, request, env, context);
  },
} satisfies ExportedHandler<EdgeEnv>;
