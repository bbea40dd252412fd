import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomNumbers } from '../../../training/train/random.ts';

const script = path.join(import.meta.dirname, '../../../training/train.ts');
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const EPOCHS = 60;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'resume-'));
  const random = randomNumbers(1);
  for (const [label, name] of ['dark', 'light'].entries()) {
    await mkdir(path.join(folder, 'shades', name), { recursive: true });
    for (let n = 0; n < 30; n++) {
      const pixels = Uint8Array.from({ length: 28 * 28 }, () => 60 * label + 180 * random());
      const picture = sharp(pixels, { raw: { width: 28, height: 28, channels: 1 } });
      await picture.png().toFile(path.join(folder, 'shades', name, `${n}.png`));
    }
  }
});
afterAll(() => rm(folder, { recursive: true }));

const start = (id: string, ...more: string[]): ChildProcess => {
  const network = ['--model', 'lenet5-modern', '--data', 'shades', '--size', '28', '--channels', 'grey'];
  const options = ['--epochs', String(EPOCHS), '--backend', 'onnx', '--id', id, ...more];
  return spawn(process.execPath, ['--import', tsx, script, ...network, ...options], { cwd: folder });
};

async function end(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (output += text));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, output };
}

const runFile = (id: string, name: string) => path.join(folder, 'build/training', id, name);
async function linesOf(id: string): Promise<Record<string, number>[]> {
  const text = await readFile(runFile(id, 'metrics.jsonl'), 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => (line.endsWith('}') ? [JSON.parse(line)] : []));
}
const weightsOf = async (id: string) => {
  const manifest = JSON.parse(await readFile(path.join(folder, 'models', id, 'manifest.json'), 'utf8'));
  return manifest.files.filter(({ role }: { role: string }) => role === 'weights');
};

describe('a training that is killed', () => {
  it('goes on where its last checkpoint was, and ends with the model that it would have become', async () => {
    const whole = await end(start('whole'));
    expect(whole.code, whole.output).toBe(0);
    const epochs = await linesOf('whole');
    expect(epochs.at(-1)?.epoch).toBeGreaterThan(15);
    expect(Object.keys(epochs[0] ?? {})).toEqual(expect.arrayContaining(['loss', 'validationAccuracy', 'rate']));

    const killed = start('killed');
    const ended = end(killed);
    while (!existsSync(runFile('killed', 'checkpoint.bin')) || (await linesOf('killed')).length < 3)
      await new Promise((resolve) => setTimeout(resolve, 5));
    killed.kill('SIGKILL');
    expect((await ended).code).toBe(null);
    expect(existsSync(path.join(folder, 'models/killed'))).toBe(false);
    const before = (await linesOf('killed')).length;
    expect(before).toBeLessThan(epochs.length);

    const resumed = await end(start('killed', '--resume'));
    expect(resumed.code, resumed.output).toBe(0);
    expect(resumed.output).toMatch(/going on after step \d+/);
    const rest = (await linesOf('killed')).slice(before);
    expect(rest.length).toBeLessThan(epochs.length);
    expect(rest.at(-1)).toMatchObject({ epoch: epochs.at(-1)?.epoch, loss: epochs.at(-1)?.loss });
    expect(await weightsOf('killed')).toEqual(await weightsOf('whole'));
    expect(await weightsOf('killed-float')).toEqual(await weightsOf('whole-float'));
  });

  it('is not resumed with another seed, nor by another network', async () => {
    const seed = await end(start('killed', '--resume', '--seed', '2'));
    expect(seed).toMatchObject({ code: 1, output: expect.stringMatching(/with seed 1, and this one has 2/) });
    const network = await end(start('killed', '--resume', '--model', 'fashion-mlp'));
    expect(network.code).toBe(1);
    expect(network.output).toMatch(/checkpoint of the network "lenet5-modern", not of "fashion-mlp"/);
    expect((await end(start('new', '--resume'))).output).toMatch(/no checkpoint to resume from/);
  });
});
