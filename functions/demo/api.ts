import type { Cascade } from '../catalogue/cascade.ts';
import type { Manifest } from '../catalogue/manifest.ts';
import type { KeySet } from '../receipts/receipts.ts';
import { cascadesAsModels } from './cascades.ts';
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
  | 'task'
  | 'parameters'
  | 'macs'
  | 'classes'
  | 'input'
  | 'metrics'
  | 'memory'
  | 'embedding'
> & {
  readonly explanation: ExplainMethod;
  /** Where two networks answer together under this name. */
  readonly cascade?: Cascade;
};

export interface Prediction {
  readonly label: string;
  readonly index: number;
  /** 0…1 */
  readonly score: number;
}

/** Classes that belong together, and what they have of the answer. */
export interface Group {
  readonly label: string;
  readonly score: number;
  readonly of: readonly Prediction[];
}

export interface Answer {
  /** Highest score first. */
  readonly predictions: readonly Prediction[];
  readonly model: { readonly id: string; readonly version: string; readonly revision: number };
  /** Whether integers may have exchanged the first two; null where that was not measured. */
  readonly near_tie: boolean | null;
  /** Whether no class fits; null where that was not measured. */
  readonly unknown: { readonly is_unknown: boolean } | null;
  /** With `rollup`: what it is in wider terms. */
  readonly groups?: readonly Group[];
  /** With `coverage`: the smallest set of labels that holds the true one so often. */
  readonly label_set?: { readonly coverage: number; readonly labels: readonly Prediction[] };
  /** Which of two networks answered. */
  readonly cascade?: { readonly answered_by: 'first' | 'second' };
  /** With `receipt`. */
  readonly receipt?: string;
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
  readonly rollup?: boolean | undefined;
  readonly within?: string | undefined;
  readonly coverage?: number | undefined;
  readonly receipt?: boolean | undefined;
}

export function classifyPath(model: string, wishes: Wishes = {}): string {
  const { explain, head, rollup, within, coverage, receipt } = wishes;
  const asked = { explain, head, rollup: rollup && 1, within, coverage, receipt: receipt && 1 };
  const query = Object.entries(asked).flatMap(([name, value]) =>
    value ? [`&${name}=${encodeURIComponent(value)}`] : [],
  );
  return `/classify/${encodeURIComponent(model)}?top_k=${TOP_K}${query.join('')}`;
}

/** What stands in `content-type`: only ever an image, so that a dropped JSON file is not taken for a request in JSON. */
export const contentTypeOf = (picture: Blob): string =>
  picture.type.startsWith('image/') ? picture.type : 'application/octet-stream';

/** Those that can be chosen: models, then cascades of two. @throws Problem */
export async function listModels(): Promise<readonly Model[]> {
  const response = await ask('/models');
  const { models, cascades = {} } = (await response.json()) as { models: Model[]; cascades?: Record<string, Cascade> };
  return [...models, ...cascadesAsModels(cascades, models)];
}

const COVERAGE = 0.95;

/** What is known of a model, and what can be asked beside its classes. */
export interface Detail {
  readonly wishes: Wishes;
  readonly certainty: Manifest['certainty'];
}

/** Of two that answer together, what can be asked of both, and what is known of the second. */
export async function detailOf({ id, cascade }: Model): Promise<Detail> {
  const ids = cascade ? [cascade.first, cascade.second] : [id];
  try {
    const details = await Promise.all(
      ids.map(async (one) => {
        const response = await ask(`/models/${encodeURIComponent(one)}`);
        return (await response.json()) as { task: string; groups?: unknown; certainty?: Manifest['certainty'] };
      }),
    );
    const rollup = details.every(({ groups, task }) => groups !== undefined && task !== 'multilabel');
    const coverage = details.every(({ certainty }) => certainty?.conformal) ? COVERAGE : undefined;
    return { wishes: { rollup, coverage }, certainty: details.at(-1)?.certainty };
  } catch {
    // The answer itself can do without.
    return { wishes: {}, certainty: undefined };
  }
}

/** What receipts are verified with. @throws Problem */
export async function receiptKeys(): Promise<KeySet> {
  return (await (await ask('/receipts/keys')).json()) as KeySet;
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
