import { Catalogue } from '../../catalogue/catalogue.ts';
import { Residents } from '../../catalogue/resident.ts';
import { Classify } from '../../classify/classify.ts';
import { ServiceError } from '../../errors.ts';
import { MemoryBudget } from '../../memory-budget.ts';
import { chooseBuild, hasRelaxedSimd, type KernelModules } from '../../runtime/int8/kernels.ts';
import type { ThreadPool } from '../../runtime/int8/threads.ts';
import { checked } from './check.ts';
import { ServedFiles } from './files.ts';
import type { Check, Question, Reply } from './messages.ts';
import { browserThreads, threadsHere } from './threads.ts';

/** The service's own use case in a Web Worker: the same code on the same bytes gives the same bits. */

const MEMORY_BYTES = 512_000_000;

const reply = (message: Reply) => postMessage(message);
const files = new ServedFiles((loadedBytes, totalBytes) => reply({ kind: 'progress', loadedBytes, totalBytes }));
let engine: Promise<Engine> | undefined;

interface Engine {
  readonly catalogue: Catalogue;
  readonly classify: Classify;
}

addEventListener('message', async ({ data }: MessageEvent<Question | Check>) => {
  const { id, key } = data;
  files.key = key;
  try {
    engine ??= started().catch((error: unknown) => {
      // What failed by the network may be there the next time.
      engine = undefined;
      throw error;
    });
    const use = await engine;
    if (data.kind === 'check') reply({ kind: 'checked', id, checked: await checked(data, use) });
    else reply(await answered(data, use));
  } catch (error) {
    reply({ kind: 'problem', id, ...told(error) });
  }
});

async function answered(question: Question, { classify }: Engine): Promise<Reply> {
  const { id, model, picture, kind: _, key: __, ...options } = question;
  const began = performance.now();
  const answer = await classify.image(model, picture, { minScore: undefined, ...options });
  return { kind: 'answer', id, answer, milliseconds: performance.now() - began, threads: threadsHere() };
}

async function started(): Promise<Engine> {
  const relaxed = hasRelaxedSimd();
  const [baseline, relaxedBuild, fused, jpeg, webp, avif] = await Promise.all([
    compiled('baseline'),
    relaxed ? compiled('relaxed') : undefined,
    relaxed ? compiled('fused') : undefined,
    compiled('jpeg'),
    compiled('webp'),
    compiled('avif'),
  ]);
  const builds = { baseline, relaxed: relaxedBuild, ...(fused && { fused }) };
  const int8 = { ...builds, ...(threadsHere() > 1 && { threads: await threadsOf(builds) }) };
  const budget = new MemoryBudget(MEMORY_BYTES);
  const modules = {
    int8,
    get tfjs(): WebAssembly.Module {
      throw new ServiceError('model-broken', 'A model of TF.js runs at the service alone.', 'Take an integer model.');
    },
  };
  const models = new Residents(files, modules, budget);
  const catalogue = new Catalogue(files);
  const classify = new Classify({ catalogue, models, codecs: { jpeg, webp, avif }, budget });
  return { catalogue, classify };
}

/** Of the build that this device runs fastest. */
async function threadsOf(builds: KernelModules): Promise<ThreadPool> {
  return browserThreads(await compiled(`${chooseBuild(builds)}-shared`), MEMORY_BYTES);
}

const compiled = (name: string): Promise<WebAssembly.Module> =>
  WebAssembly.compileStreaming(fetch(`/page/wasm/${name}.wasm`));

function told(error: unknown): { title: string; detail: string } {
  if (error instanceof ServiceError) return { title: error.what, detail: error.todo };
  return { title: 'The engine in this browser did not start', detail: `Let the service answer. (${error})` };
}
