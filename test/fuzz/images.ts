/**
 * `npm run test:fuzz -- [--count N] [--seed S] [--format jpeg,png]`: damaged pictures through the decoders, as
 * an isolate has them. What breaks a promise is kept in `build/fuzz`. A file that hangs is found by the thread that
 * watches.
 */
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { runCommand } from '../../training/terminal/command.ts';
import { Progress } from '../../training/terminal/progress.ts';
import { ImageFuzzer } from './image-fuzzer.ts';
import { FuzzError, keep } from './kept-files.ts';
import { FORMATS, type Format, MAX_BYTES } from './mutations.ts';
import { Subject } from './subject.ts';

const HANGING_MS = 60_000;

interface Options {
  readonly count: number;
  readonly seed: number;
  readonly formats: readonly Format[];
  /** Number of the file being read and its length, int32 `[2]`, then the file. */
  readonly current: SharedArrayBuffer;
}

interface Report {
  readonly run: number;
  readonly decoded: number;
  readonly classes: number;
  readonly defect?: { readonly file: Uint8Array; readonly format: Format; readonly what: string };
}

function options(): Omit<Options, 'current'> {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
      format: { type: 'string', default: FORMATS.join(',') },
    },
  });
  const names = values.format.split(',');
  const formats = FORMATS.filter((format) => names.includes(format));
  if (formats.length < names.length) throw new FuzzError(`--format takes some of ${FORMATS.join(', ')}`);
  const [count, seed] = [Number(values.count), Number(values.seed)];
  if (!Number.isInteger(count) || count < 1 || !Number.isInteger(seed)) {
    throw new FuzzError('--count and --seed take whole numbers');
  }
  return { count, seed, formats };
}

async function main(): Promise<void> {
  const { count, seed, formats } = options();
  const current = new SharedArrayBuffer(8 + MAX_BYTES);
  const numbers = new Int32Array(current, 0, 2);
  const progress = new Progress(`fuzz ${formats.join(',')}`, count);
  // A thread of Node does not know TypeScript by itself.
  const start = `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(import.meta.url)}); });`;
  const worker = new Worker(start, { eval: true, workerData: { count, seed, formats, current } });
  let defects = 0;
  let last: Report = { run: 0, decoded: 0, classes: 0 };
  let [number, since] = [-1, Date.now()];
  await new Promise<void>((resolve, reject) => {
    const watch = setInterval(() => {
      if (numbers[0] !== number) [number, since] = [numbers[0] ?? 0, Date.now()];
      if (Date.now() - since < HANGING_MS) return;
      const file = new Uint8Array(current, 8, numbers[1]).slice();
      clearInterval(watch);
      void worker.terminate();
      reject(new FuzzError(`hangs: ${keep(file, 'bin')}`));
    }, 1_000);
    worker.on('message', (report: Report) => {
      last = report;
      if (report.defect) {
        defects++;
        const { file, format, what } = report.defect;
        console.error(`\n${keep(file, format)} ${what}`);
      }
      progress.update(report.run, `${report.decoded} decoded, ${report.classes} ways, ${defects} defects`);
    });
    worker.on('error', reject);
    worker.on('exit', () => {
      clearInterval(watch);
      resolve();
    });
  });
  progress.done(`${last.decoded} decoded, ${last.classes} ways, ${defects} defects`, last.run);
  if (defects > 0) throw new FuzzError(`${defects} files broke a promise (seed ${seed})`);
}

async function work({ count, seed, formats, current }: Options): Promise<void> {
  const subject = new Subject();
  const fuzzer = await ImageFuzzer.of(formats, seed);
  const numbers = new Int32Array(current, 0, 2);
  let decoded = 0;
  for (let run = 1; run <= count; run++) {
    const mutant = fuzzer.next();
    const { file, format } = mutant;
    new Uint8Array(current, 8).set(file);
    numbers[1] = file.length;
    numbers[0] = run;
    const outcome = await subject.check(file);
    if (outcome.decoded) decoded++;
    fuzzer.saw(mutant, outcome.class);
    const report = { run, decoded, classes: fuzzer.classes };
    if (outcome.defect) parentPort?.postMessage({ ...report, defect: { file, format, what: outcome.defect } });
    else if (run % 200 === 0 || run === count) parentPort?.postMessage(report);
  }
}

if (isMainThread) await runCommand(main, [FuzzError]);
else await work(workerData as Options);
