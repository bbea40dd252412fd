// `functions/` is one Cloudflare Worker with routes of its own, not the file-system routing of Cloudflare Pages.
import type { Hono } from 'hono';
import { createApp } from './app.ts';
import { baseline, jpeg, relaxed, tfjs } from './wasm.ts';

interface Env {
  readonly ASSETS: Fetcher;
}

/** What models, decoders and bodies may hold together, of the 128 MB that an isolate has. */
const MEMORY_BYTES = 100_000_000;

let app: Hono | undefined;

export default {
  fetch(request, env, context) {
    app ??= createApp({
      models: {
        async open(path) {
          const response = await env.ASSETS.fetch(new URL(`/models/${path}`, 'https://assets.internal'));
          // Where there is no file, assets answer 404 with a body that has to be let go.
          if (response.ok) return response.body;
          await response.body?.cancel();
          return null;
        },
      },
      page: (page) => env.ASSETS.fetch(page),
      modules: { tfjs, jpeg, int8: { baseline, relaxed } },
      memoryBytes: MEMORY_BYTES,
      log: (line) => console.log(JSON.stringify(line)),
    });
    const response = Promise.resolve(app.fetch(request, env, context));
    // Others may be waiting for what this request loads: it goes on even when its own client hangs up.
    context.waitUntil(response.catch(() => {}));
    return response;
  },
} satisfies ExportedHandler<Env>;
