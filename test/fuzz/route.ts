/**
 * `npm run test:fuzz:route -- [--count N] [--seed S]`: the damaged pictures of `images.ts` through
 * `POST /classify/{model}` of the built Worker, several at once. Each is answered or refused by name; a sound picture is
 * answered as before in between. What breaks that is kept in `build/fuzz`.
 */
import { parseArgs } from 'node:util';
import { runCommand } from '../../training/terminal/command.ts';
import { Progress } from '../../training/terminal/progress.ts';
import { startDirectly } from '../bench/direct-worker.ts';
import { ImageFuzzer, type Mutant } from './image-fuzzer.ts';
import { FuzzError, keep } from './kept-files.ts';
import { FORMATS } from './mutations.ts';
import { seedsOf } from './seeds.ts';

/** A small network: what is looked at is the way to it. */
const MODEL = 'fashion-mlp';
const CALLERS = 6;
const SOUND_EVERY = 1_000;
const ANSWER_MS = 30_000;

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { count: { type: 'string', default: '10000' }, seed: { type: 'string', default: '1' } },
  });
  const [count, seed] = [Number(values.count), Number(values.seed)];
  if (!Number.isInteger(count) || count < 1 || !Number.isInteger(seed)) {
    throw new FuzzError('--count and --seed take whole numbers');
  }
  const fuzzer = await ImageFuzzer.of(FORMATS, seed);
  const [sound] = await seedsOf('png');
  if (!sound) throw new FuzzError('there is no picture to begin with');
  const service = await startDirectly();
  const progress = new Progress('fuzz the route', count);
  const statuses = new Map<number, number>();
  let [next, done, defects] = [0, 0, 0];
  const ask = async (file: Uint8Array): Promise<Answer> => {
    const response = await fetch(`${service.base}/classify/${MODEL}`, {
      method: 'POST',
      body: new Uint8Array(file),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const retryAfter = Number(response.headers.get('retry-after'));
    return { status: response.status, text: await response.text(), retryAfter };
  };
  const predictions = async () => JSON.stringify(JSON.parse((await ask(sound)).text).predictions);
  const defect = (file: Uint8Array, format: string, what: string) => {
    defects++;
    console.error(`\n${keep(file, format)} ${what}`);
  };
  const check = async (mutant: Mutant): Promise<void> => {
    const { file, format } = mutant;
    try {
      const answer = await ask(file);
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      fuzzer.saw(mutant, wayOf(answer));
      if (!isPromised(answer)) defect(file, format, `was answered with ${answer.status}: ${answer.text.slice(0, 200)}`);
    } catch (error) {
      defect(file, format, `was not answered: ${String(error)}`);
    }
  };
  try {
    const expected = await predictions();
    if (expected === undefined) throw new FuzzError('a sound picture is not classified');
    const caller = async () => {
      while (next < count) {
        const turn = next++;
        await check(fuzzer.next());
        if (turn % SOUND_EVERY === 0 && (await predictions()) !== expected) {
          defect(sound, 'png', 'is sound and was answered otherwise than before');
        }
        progress.update(++done, `${fuzzer.classes} ways, ${defects} defects`);
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
  } finally {
    await service.stop();
  }
  progress.done(`${fuzzer.classes} ways, ${defects} defects`);
  console.log(
    [...statuses]
      .sort(([a], [b]) => a - b)
      .map(([status, times]) => `${status}: ${times}`)
      .join(', '),
  );
  if (defects > 0) throw new FuzzError(`${defects} files broke a promise (seed ${seed})`);
}

/** 413, 415 and 422 name the picture; 503 says when to ask again. */
function isPromised({ status, text, retryAfter }: Answer): boolean {
  if (status === 503) return retryAfter > 0;
  if (status === 200) return text.includes('"predictions"');
  return [413, 415, 422].includes(status) && /"type":\s*"[^"]*image-/.test(text);
}

function wayOf({ status, text }: Answer): string {
  const detail: unknown = status === 200 ? '' : JSON.parse(text).detail;
  return `${status} ${detail}`.replace(/\d+/g, '0');
}

await runCommand(main, [FuzzError]);
