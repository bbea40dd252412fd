import { waitUntil } from 'cloudflare:workers';
import type { Hono } from 'hono';
import { ServiceError } from './errors.ts';
import type { Host } from './host.ts';
import { avif, baseline, fused, jpeg, relaxed, tfjs, webp } from './wasm.ts';

/** What both Workers are given. */
export interface EdgeEnv {
  readonly ASSETS: Fetcher;
  /** A data point a request. */
  readonly METRICS?: AnalyticsEngineDataset;
  /** Cloudflare Images: with it, HEICs are read. */
  readonly IMAGES?: ImagesBinding;
}

/** Larger than what any model looks at. */
const CONVERTED_PIXELS = 1024;

const streamOf = (file: Uint8Array) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(file);
      controller.close();
    },
  });

function edgeConversion({ IMAGES }: EdgeEnv): Pick<Host, 'fromHeic'> {
  if (!IMAGES) return {};
  return {
    async fromHeic(file) {
      try {
        const side = { width: CONVERTED_PIXELS, height: CONVERTED_PIXELS, fit: 'scale-down' } as const;
        const jpeg = IMAGES.input(streamOf(file)).transform(side).output({ format: 'image/jpeg' });
        return new Uint8Array(await (await jpeg).response().arrayBuffer());
      } catch (cause) {
        const why = 'The HEIC could not be converted.';
        throw new ServiceError('image-damaged', why, 'Send a JPEG: on an iPhone, Formats: Most Compatible.', { cause });
      }
    },
  };
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
export function edgeHost(env: EdgeEnv): Omit<Host, 'memoryBytes'> {
  const { ASSETS, METRICS } = env;
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
    ...edgeConversion(env),
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
