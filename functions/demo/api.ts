import type { Manifest } from '../catalogue/manifest.ts';
import { Problem } from './problem.ts';
import { ask } from './request.ts';

export type ExplainMethod = 'cam' | 'occlusion';

/** One of `GET /models`. */
export type Model = Pick<
  Manifest,
  | 'id'
  | 'title'
  | 'revision'
  | 'runtime'
  | 'parameters'
  | 'macs'
  | 'classes'
  | 'input'
  | 'metrics'
  | 'memory'
  | 'embedding'
> & { readonly explanation: ExplainMethod };

export interface Prediction {
  readonly label: string;
  readonly index: number;
  /** 0…1 */
  readonly score: number;
}

export interface Answer {
  /** Highest score first. */
  readonly predictions: readonly Prediction[];
  readonly model: { readonly id: string; readonly version: string; readonly revision: number };
  /** Whether integers may have exchanged the first two; null where that was not measured. */
  readonly near_tie: boolean | null;
  /** Whether no class fits; null where that was not measured. */
  readonly unknown: { readonly is_unknown: boolean } | null;
  /** From sending the picture to holding the answer, measured here: the Worker's own clock stands still. */
  readonly milliseconds: number;
  /** The engine in this browser, of which alone the time then is; absent where the service ran the network. */
  readonly where?: { readonly threads: number };
}

/** Where the first class is seen; places are pixels of the upright picture. */
export interface Explanation {
  readonly method: ExplainMethod;
  readonly class: Prediction;
  readonly picture: { readonly width: number; readonly height: number };
  readonly hottest: { readonly x: number; readonly y: number };
  /** A PNG in base64, to be laid over the picture. */
  readonly image: { readonly png: string };
}

/** Fashion networks have ten classes; of others the ten best are shown. */
export const TOP_K = 10;

/** What may be asked beside the classes of the model. */
export interface Wishes {
  readonly explain?: ExplainMethod | undefined;
  /** Classes of the visitor's own. */
  readonly head?: string | undefined;
}

export const classifyPath = (model: string, { explain, head }: Wishes = {}): string =>
  `/classify/${encodeURIComponent(model)}?top_k=${TOP_K}${explain ? `&explain=${explain}` : ''}${head ? `&head=${head}` : ''}`;

/** What stands in `content-type`: only ever an image, so that a dropped JSON file is not taken for a request in JSON. */
export const contentTypeOf = (picture: Blob): string =>
  picture.type.startsWith('image/') ? picture.type : 'application/octet-stream';

/** @throws Problem */
export async function listModels(): Promise<readonly Model[]> {
  const response = await ask('/models');
  const { models } = (await response.json()) as { models: Model[] };
  return models;
}

/** @throws Problem, or an `AbortError` when `signal` says so */
export async function classify(model: string, picture: Blob, signal: AbortSignal, wishes?: Wishes): Promise<Answer> {
  const path = classifyPath(model, wishes);
  const { value, milliseconds } = await post<Omit<Answer, 'milliseconds'>>(path, picture, signal);
  return { ...value, milliseconds };
}

/** @throws Problem, or an `AbortError` when `signal` says so */
export async function explain(model: Model, picture: Blob, signal: AbortSignal): Promise<Explanation> {
  const path = classifyPath(model.id, { explain: model.explanation });
  return (await post<{ explanation: Explanation }>(path, picture, signal)).value.explanation;
}

async function post<T>(path: string, picture: Blob, signal: AbortSignal): Promise<{ value: T; milliseconds: number }> {
  const body = await picture.arrayBuffer().catch((error: unknown) => {
    throw new Problem('That cannot be read', 'It is a folder, or the file has moved. Choose one picture file.', {
      cause: error,
    });
  });
  const headers = { 'content-type': contentTypeOf(picture) };
  const start = performance.now();
  const response = await ask(path, { method: 'POST', body, headers, signal });
  const value = (await response.json()) as T;
  return { value, milliseconds: performance.now() - start };
}
