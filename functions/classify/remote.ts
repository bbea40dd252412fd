import { z } from 'zod';
import type { Manifest } from '../catalogue/manifest.ts';
import type { Residents } from '../catalogue/resident.ts';
import { ServiceError } from '../errors.ts';
import type { Classifier } from '../runtime/classifier.ts';

/** Gives the classifier of a model for as long as `use` runs. */
export type Models = Pick<Residents, 'with'>;

/** A Worker with an isolate of its own, for models that would leave no room for anything else. */
export interface IsolatedWorker {
  /** A model that plans more memory than this runs there. */
  readonly aboveBytes: number;
  fetch(request: Request): Promise<Response>;
}

/**
 * Between the two Workers: `POST /tensor/{id}/{version}`, uint8 pixels of one image in, float32 scores out (least
 * significant byte first), both of this type; `POST /embedding/{id}/{version}` the same with the embedding before
 * the scores. What is refused is answered as {@link refusalSchema} says.
 */
export const TENSOR_TYPE = 'application/octet-stream';

export const refusalSchema = z.strictObject({
  code: z.enum(['busy', 'model-broken', 'model-unknown', 'bad-request']),
  what: z.string(),
  todo: z.string(),
  retryAfterSeconds: z.number().optional(),
});

/** Waiting for memory, loading, and computing behind others; a Worker that takes longer is overrun. */
const PATIENCE_MS = 30_000;

/** Small models run here, large ones in the other Worker, where there is one. */
export function placed(residents: Models, isolated: IsolatedWorker | undefined): Models {
  return {
    with(manifest, use) {
      const here = isolated === undefined || manifest.memory.total <= isolated.aboveBytes;
      return here ? residents.with(manifest, use) : use(remoteClassifier(manifest, isolated));
    },
  };
}

/** A model in a Worker of its own, as a {@link Classifier}: the input tensor travels, not the picture. */
export function remoteClassifier(manifest: Manifest, worker: IsolatedWorker): Classifier {
  const { classes, embedding } = manifest;
  return {
    bytes: 0,
    async classify(pixels, batch) {
      const size = pixels.length / batch;
      const scores = new Float32Array(batch * classes);
      for (let image = 0; image < batch; image++) {
        const one = pixels.slice(image * size, (image + 1) * size);
        scores.set(await ask('tensor', manifest, worker, one, classes), image * classes);
      }
      return scores;
    },
    ...(embedding && {
      async embed(pixels) {
        const both = await ask('embedding', manifest, worker, pixels.slice(), embedding.dims + classes);
        return { values: both.slice(0, embedding.dims), scores: both.slice(embedding.dims) };
      },
    }),
    dispose() {},
  };
}

/**
 * @param pixels of one image
 * @returns float32 `[length]`
 */
async function ask(
  door: 'tensor' | 'embedding',
  { id, version }: Manifest,
  worker: IsolatedWorker,
  pixels: Uint8Array<ArrayBuffer>,
  length: number,
): Promise<Float32Array> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const request = new Request(`https://isolated.internal/${door}/${id}/${version}`, {
    method: 'POST',
    body: pixels,
    headers: { 'content-type': TENSOR_TYPE },
    signal,
  });
  try {
    const response = await worker.fetch(request);
    if (!response.ok) throw refused(id, await response.text());
    const values = await response.arrayBuffer();
    if (values.byteLength !== length * 4) throw silent(id, `${values.byteLength} bytes for ${length} values`);
    return new Float32Array(values);
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    throw signal.aborted ? overrun(id) : silent(id, error);
  }
}

/** What the other Worker says, in its words where they tell a caller something. */
function refused(id: string, text: string): ServiceError {
  const refusal = refusalSchema.safeParse(parsed(text));
  if (!refusal.success) return silent(id, text.slice(0, 200));
  const { code, what, todo, retryAfterSeconds } = refusal.data;
  const ours = code === 'busy' || code === 'model-broken';
  return ours ? new ServiceError(code, what, todo, { retryAfterSeconds }) : silent(id, `${code}: ${what}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function overrun(id: string): ServiceError {
  return new ServiceError(
    'busy',
    `The Worker that runs "${id}" has more to do than it can in ${PATIENCE_MS / 1000} s.`,
    'Try again after the seconds that Retry-After says.',
    { retryAfterSeconds: PATIENCE_MS / 1000 },
  );
}

function silent(id: string, cause: unknown): ServiceError {
  return new ServiceError(
    'model-broken',
    `The model "${id}" runs in a Worker of its own, which does not answer as it should.`,
    'Use another model; whoever deploys this service has to deploy both Workers from the same models.',
    { cause },
  );
}
