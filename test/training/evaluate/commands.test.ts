import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
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

/** What `npm run <command> -- …` runs. */
function command(name: 'train' | 'evaluate', ...args: string[]): Promise<Ended> {
  const script = ['--import', 'tsx', path.join(root, 'training', `${name}.ts`), ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, script, { cwd: root }, (error, stdout, stderr) => {
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
    ['train', ['--model', 'fashion-mpl'], /--model is one of fashion-mlp, not "fashion-mpl"/],
    ['train', ['--model', '__proto__'], /--model is one of/],
    ['train', ['--model', 'fashion-mlp', '--epochs', '0'], /--epochs takes a whole number of at least 1, not "0"/],
    ['train', ['--model', 'fashion-mlp', '--seed', '1.5'], /--seed takes a whole number/],
    [
      'train',
      ['--model', 'fashion-mlp', '--backend', 'cuda'],
      /--backend is one of auto, webgpu, wasm, cpu, not "cuda"/,
    ],
    ['train', ['--model', 'fashion-mlp', '--out', 'models/a', '--id', 'b'], /cannot hold --id b/],
    ['train', ['--model', 'fashion-mlp', '--epoch', '1'], /Unknown option '--epoch'/],
    [
      'train',
      ['--model', 'fashion-mlp', '--data', '/nowhere'],
      /train-images-idx3-ubyte\.gz is missing.*Put the four/s,
    ],
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

  it('one epoch of the notes gives a model folder that evaluate reads', async () => {
    const out = path.join(folder, 'fashion-mlp-float');
    const trained = await command('train', '--model', 'fashion-mlp', '--epochs', '1', '--data', dir, '--out', out);
    expect(trained.code, trained.stderr).toBe(0);
    expect(trained.stdout).toMatch(/Total params: 101770/);
    expect(trained.stderr).toMatch(/epoch 1\/1 60000\/60000 .*loss 0\.\d{4} accuracy 0\.\d{4}/);
    const accuracy = Number(/test loss \d\.\d{4}, test accuracy (0\.\d{4})/.exec(trained.stdout)?.[1]);
    expect(accuracy).toBeGreaterThan(0.82);

    const manifest = JSON.parse(await readFile(path.join(out, 'manifest.json'), 'utf8'));
    expect(manifest).toMatchObject({ id: 'fashion-mlp-float', parameters: 101_770, revision: 1 });
    expect(manifest.provenance.command).toMatch(/--epochs 1 --seed 1 --backend \w+ --id fashion-mlp-float$/);

    const evaluated = await command('evaluate', '--model', out, '--data', dir);
    expect(evaluated.code, evaluated.stderr).toBe(0);
    expect(evaluated.stdout).toContain(`accuracy ${accuracy.toFixed(4)} `);
    expect(evaluated.stdout).toMatch(/9 Ankle boot\s+0\.\d{4}\s+0\.\d{4}\s+0\.\d{4}\s+1000/);
  });
});
