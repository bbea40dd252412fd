import { waitUntil } from 'cloudflare:workers';
import type { Hono } from 'hono';
import type { Host } from './host.ts';
import { avif, baseline, fused, jpeg, relaxed, tfjs, webp } from './wasm.ts';

/** What both Workers are given. */
export interface EdgeEnv {
  readonly ASSETS: Fetcher;
  /** A data point a request. */
  readonly METRICS?: AnalyticsEngineDataset;
}

/** Workers' Cache API, unless ANSWER_CACHE is off. It forgets everything on `*.workers.dev`: all is a miss there. */
export function edgeAnswers({ ANSWER_CACHE = 'on' }: { readonly ANSWER_CACHE?: string }): Pick<Host, 'answers'> {
  if (ANSWER_CACHE !== 'on') return {};
  return {
    answers: {
      match: (address) => caches.default.match(address),
      async put(address, entry) {
        waitUntil(caches.default.put(address, entry));
      },
    },
  };
}

/** Models from the deployment's assets, modules from its code. */
export function edgeHost({ ASSETS, METRICS }: EdgeEnv): Omit<Host, 'memoryBytes'> {
  return {
    models: {
      async open(path) {
        // Assets redirect to the form that is escaped.
        const name = path.replaceAll('@', '%40');
        const response = await ASSETS.fetch(new URL(`/models/${name}`, 'https://assets.internal'));
        // Where there is no file, assets answer 404 with a body that has to be let go.
        if (response.ok) return response.body;
        await response.body?.cancel();
        return null;
      },
    },
    page: null,
    modules: { tfjs, jpeg, webp, avif, int8: { baseline, relaxed, fused } },
    ...(METRICS && { metrics: { writeDataPoint: (point) => METRICS.writeDataPoint(point) } }),
    log: (line) => console.log(JSON.stringify(line)),
  };
}

/** Others may be waiting for what a request loads: it goes on even when its own client hangs up. */
export function answer(app: Hono, request: Request, env: object, context: ExecutionContext): Promise<Response> {
  const response = Promise.resolve(app.fetch(request, env, context));
  context.waitUntil(response.catch(() => {}));
  return response;
}
