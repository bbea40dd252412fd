import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shared } from '../../fixtures/shared.ts';

const root = path.join(import.meta.dirname, '../../..');
const data = shared('data/fashion-mnist');
const committed = path.join(root, 'models/fashion-mlp');

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

/** What `npm run <command> -- …` runs. */
const command = (name: 'train' | 'evaluate', ...args: string[]): Promise<Ended> => commandIn(root, name, ...args);

/** What it writes without being told where goes into `cwd`. */
function commandIn(cwd: string, name: 'train' | 'evaluate', ...args: string[]): Promise<Ended> {
  const script = ['--import', tsx, path.join(root, 'training', `${name}.ts`), ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, script, { cwd }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr });
    });
  });
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'train-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('wrong use', () => {
  it.each([
    ['train', ['--model', 'fashion-mpl'], /--model is one of fashion-mlp, .*, not "fashion-mpl"/],
    ['train', ['--model', '__proto__'], /--model is one of/],
    ['train', ['--model', 'fashion-mlp', '--epochs', '0'], /--epochs takes a whole number of at least 1, not "0"/],
    ['train', ['--model', 'fashion-mlp', '--seed', '1.5'], /--seed takes a whole number/],
    ['train', ['--model', 'fashion-mlp', '--backend', 'cuda'], /--backend is one of auto, .*wasm.*, not "cuda"/],
    ['train', ['--model', 'fashion-mlp', '--out', 'models/a', '--id', 'b'], /cannot hold --id b/],
    ['train', ['--model', 'fashion-mlp', '--epoch', '1'], /Unknown option '--epoch'/],
    ['train', ['--model', 'fashion-mlp', '--data', '/nowhere'], /nowhere is no folder that can be read: give one with/],
    ['evaluate', [], /Say which model/],
    ['evaluate', ['--model', 'no-such-model'], /There is no model "no-such-model"/],
  ] as const)('%s %j: a message of its own and no stack', async (name, args, message) => {
    const { code, stderr } = await command(name, ...args);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it('evaluate names the file of a model that was altered', async () => {
    const model = path.join(folder, 'altered', 'fashion-mlp');
    await cp(committed, model, { recursive: true });
    const weights = path.join(model, (await readdir(model)).find((name) => name.startsWith('weights-')) ?? '');
    const bytes = await readFile(weights);
    bytes[1000] = (bytes[1000] ?? 0) ^ 1;
    await writeFile(weights, bytes);
    const { code, stderr } = await command('evaluate', '--model', model, '--data', data ?? folder);
    expect(code).toBe(1);
    expect(stderr).toMatch(/weights-[0-9a-f]+\.bin is not the file that its manifest names/);
  });
});

describe.skipIf(!data)(`on Fashion-MNIST${data ? '' : ' (skipped: FIXTURES_DIR has none)'}`, () => {
  const dir = data ?? '';

  it('the committed model has the accuracy that its manifest says, at least that of the notes', async () => {
    const manifest = JSON.parse(await readFile(path.join(committed, 'manifest.json'), 'utf8'));
    const { code, stdout } = await command('evaluate', '--model', 'fashion-mlp', '--data', dir, '--json');
    expect(code).toBe(0);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ n: 10_000, top1: manifest.metrics.top1, top5: manifest.metrics.top5 });
    expect(result.top1).toBeGreaterThanOrEqual(0.8756);
    expect(result.confusion.flat().reduce((sum: number, count: number) => sum + count, 0)).toBe(10_000);
    expect(result.classes.map(({ support }: { support: number }) => support)).toEqual(new Array(10).fill(1000));
  });
});

/** Pictures with a bright half, upper or lower, and noise; each twice as large as the network's input. */
async function halves(dir: string, count: number): Promise<void> {
  let state = 1;
  const noise = () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return (state >> 16) % 60;
  };
  for (const [half, name] of ['upper', 'lower'].entries()) {
    await mkdir(path.join(dir, name), { recursive: true });
    for (let n = 0; n < count; n++) {
      const pixels = Uint8Array.from(
        { length: 56 * 56 },
        (_, at) => (Math.floor(at / 56 / 28) === half ? 180 : 40) + noise(),
      );
      const picture = sharp(pixels, { raw: { width: 56, height: 56, channels: 1 } });
      await (n % 2 ? picture.png() : picture.webp({ lossless: true })).toFile(
        path.join(dir, name, `${n}.${n % 2 ? 'png' : 'webp'}`),
      );
    }
  }
}

describe('own pictures', () => {
  it('become a model with figures, a temperature and a report; its features take a new head', async () => {
    await halves(path.join(folder, 'halves'), 40);
    await writeFile(path.join(folder, 'halves/upper/broken.png'), 'no picture');
    const network = ['--model', 'fashion-mlp', '--size', '28', '--channels', 'grey', '--epochs', '4'];
    const trained = await commandIn(
      folder,
      'train',
      ...network,
      '--data',
      'halves',
      '--id',
      'halves',
      '--backend',
      'wasm',
    );
    expect(trained.code, trained.stderr).toBe(0);
    expect(trained.stderr).toMatch(/skipped upper[/\\]broken\.png: .*\n1 files? skipped/);
    const model = path.join(folder, 'models/halves');
    const read = async (dir: string) => JSON.parse(await readFile(path.join(dir, 'manifest.json'), 'utf8'));
    expect(await read(model)).toMatchObject({
      runtime: 'int8',
      classes: 2,
      input: { width: 28, height: 28, channels: 'grey' },
      metrics: { dataset: 'halves test', n: 8, top1: 1, float: { top1: 1 }, agreement: 1 },
    });
    expect(JSON.parse(await readFile(path.join(model, 'labels.json'), 'utf8'))).toEqual([
      { label: 'lower' },
      { label: 'upper' },
    ]);
    const report = await readFile(path.join(folder, 'build/training/halves/report/evaluation.html'), 'utf8');
    expect(report).toContain('4 epochs');
    expect(report).toMatch(/upper[/\\]broken\.png: /);

    const evaluated = await commandIn(folder, 'evaluate', '--model', model, '--data', 'halves', '--json');
    expect(JSON.parse(evaluated.stdout)).toMatchObject({ n: 8, top1: 1, interval: [expect.closeTo(0.6756, 3), 1] });

    const head = await commandIn(
      folder,
      'train',
      '--head-on',
      'halves',
      '--data',
      'halves',
      '--id',
      'again',
      '--seed',
      '3',
    );
    expect(head.code, head.stderr).toBe(0);
    expect(await read(path.join(folder, 'models/again'))).toMatchObject({
      runtime: 'int8',
      metrics: { n: 8, top1: 1 },
      provenance: { command: 'npm run train -- --head-on halves --data halves --id again --seed 3', seed: 3 },
    });
  });

  it('are asked for where a model is no Fashion-MNIST one, and must have its classes', async () => {
    const model = path.join(folder, 'models/halves');
    expect((await command('evaluate', '--model', model)).stderr).toMatch(/--data FOLDER, a sub-folder a class/);
    await halves(path.join(folder, 'others'), 4);
    await cp(path.join(folder, 'others/upper'), path.join(folder, 'others/middle'), { recursive: true });
    await rm(path.join(folder, 'others/upper'), { recursive: true });
    const { code, stderr } = await command('evaluate', '--model', model, '--data', path.join(folder, 'others'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/tells other classes apart \(lower, upper\) than .*others has \(lower, middle\)/);
  });
});
