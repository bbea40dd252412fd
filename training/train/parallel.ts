import { Worker } from 'node:worker_threads';
import { TrainingError } from './errors.ts';
import type { Batch, BatchGradients, GradientEngine, NamedArrays } from './gradient-engine.ts';
import type { BackendName, EngineNetwork } from './open-engine.ts';
import { seedOf } from './random.ts';

/** What a worker is asked, and what it answers. */
export type Question =
  | { readonly ask: 'gradients'; readonly parameters: NamedArrays; readonly batch: Batch; readonly seed: number }
  | { readonly ask: 'scores'; readonly parameters: NamedArrays; readonly pixels: Float32Array; readonly count: number };
export type Answer =
  | { readonly title: string }
  | { readonly gradients: BatchGradients }
  | { readonly scores: Float32Array }
  | { readonly error: string; readonly ours: boolean };

export interface WorkerTask {
  readonly network: EngineNetwork;
  readonly backend: BackendName;
}

/**
 * Data parallelism: an engine a thread, each on its share of the batch, and the mean of their gradients. Batch norm
 * sees its own share only, as in training on several devices (Goyal et al. 2017, section 2.3).
 */
export class ParallelEngine implements GradientEngine {
  readonly title: string;
  readonly #workers: readonly EngineWorker[];

  private constructor(workers: readonly EngineWorker[], title: string) {
    this.#workers = workers;
    this.title = `${workers.length} workers, each ${title}`;
  }

  /** @throws TrainingError where a worker's engine cannot be had */
  static async open(network: EngineNetwork, backend: BackendName, count: number): Promise<ParallelEngine> {
    const { name, input, layers, auxiliaries } = network;
    const task: WorkerTask = { network: { name, input, layers, auxiliaries }, backend };
    const workers = Array.from({ length: count }, () => new EngineWorker(task));
    try {
      const [first = ''] = await Promise.all(workers.map((worker) => worker.title()));
      return new ParallelEngine(workers, first);
    } catch (error) {
      await Promise.all(workers.map((worker) => worker.stop()));
      throw error;
    }
  }

  async gradients(parameters: NamedArrays, batch: Batch, seed: number): Promise<BatchGradients> {
    const shares = sharesOf(batch.count, this.#workers.length);
    const results = await allOf(
      shares.map(async ({ first, count }, at) => {
        const share = { count, pixels: part(batch.pixels, batch.count), targets: part(batch.targets, batch.count) };
        function part(values: Float32Array, rows: number): Float32Array {
          const row = values.length / rows;
          return values.slice(first * row, (first + count) * row);
        }
        const answer = await this.#ask(at, { ask: 'gradients', parameters, batch: share, seed: seedOf(seed, at) });
        if (!('gradients' in answer)) throw new Error('A worker answered something else');
        return { weight: count / batch.count, ...answer.gradients };
      }),
    );
    return {
      loss: results.reduce((sum, { loss, weight }) => sum + loss * weight, 0),
      hits: results.reduce((sum, { hits }) => sum + hits, 0),
      gradients: meanOf(results.map(({ gradients, weight }) => ({ arrays: gradients, weight }))),
      statistics: meanOf(results.map(({ statistics, weight }) => ({ arrays: statistics, weight }))),
    };
  }

  async scores(parameters: NamedArrays, pixels: Float32Array, count: number): Promise<Float32Array> {
    const length = pixels.length / count;
    const parts = await allOf(
      sharesOf(count, this.#workers.length).map(async (share, at) => {
        const own = pixels.slice(share.first * length, (share.first + share.count) * length);
        const answer = await this.#ask(at, { ask: 'scores', parameters, pixels: own, count: share.count });
        if (!('scores' in answer)) throw new Error('A worker answered something else');
        return answer.scores;
      }),
    );
    return Float32Array.from(parts.flatMap((scores) => [...scores]));
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop()));
  }

  #ask(at: number, question: Question): Promise<Answer> {
    const worker = this.#workers[at];
    if (!worker) throw new Error(`There is no worker ${at}`);
    return worker.ask(question);
  }
}

const [TSX, SCRIPT] = ['tsx/esm/api', './parallel-worker.ts'].map((name) => import.meta.resolve(name));
/** A worker has no TypeScript until tsx is registered in it: Node 20 does not take its --import over. */
const START = `import(${JSON.stringify(TSX)}).then(({ register }) => { register(); return import(${JSON.stringify(SCRIPT)}); });`;

/** One thread, which answers one question after the other. */
class EngineWorker {
  readonly #worker: Worker;
  readonly #title: Promise<Answer>;

  constructor(task: WorkerTask) {
    this.#worker = new Worker(START, { eval: true, workerData: task, execArgv: [] });
    this.#title = this.#next();
    // It is awaited in `title`; a failure before that is no unhandled one.
    this.#title.catch(() => {});
  }

  async title(): Promise<string> {
    const answer = await this.#title;
    return 'title' in answer ? answer.title : '';
  }

  ask(question: Question): Promise<Answer> {
    const answer = this.#next();
    this.#worker.postMessage(question);
    return answer;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #next(): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        this.#worker.off('message', onMessage).off('error', onError).off('exit', onExit);
        act();
      };
      const onMessage = (answer: Answer) =>
        settle(() => {
          if (!('error' in answer)) resolve(answer);
          else reject(answer.ours ? new TrainingError(answer.error) : new Error(answer.error));
        });
      const onError = (error: Error) => settle(() => reject(error));
      const onExit = (code: number) => settle(() => reject(new Error(`A training worker ended with code ${code}`)));
      this.#worker.once('message', onMessage).once('error', onError).once('exit', onExit);
    });
  }
}

/** Waits for all even where one fails: a worker takes the next question only after its answer. */
async function allOf<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

/** As equal as whole images allow; none is empty where there are as many images as workers. */
function sharesOf(images: number, workers: number): { readonly first: number; readonly count: number }[] {
  const start = (at: number) => Math.floor((at * images) / workers);
  const shares = Array.from({ length: workers }, (_, at) => ({ first: start(at), count: start(at + 1) - start(at) }));
  return shares.filter(({ count }) => count > 0);
}

function meanOf(parts: readonly { readonly arrays: NamedArrays; readonly weight: number }[]): NamedArrays {
  const mean = new Map<string, Float32Array>();
  for (const { arrays, weight } of parts) {
    for (const [name, values] of arrays) {
      const sum = mean.get(name) ?? new Float32Array(values.length);
      for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + weight * (values[i] ?? 0);
      mean.set(name, sum);
    }
  }
  return mean;
}
