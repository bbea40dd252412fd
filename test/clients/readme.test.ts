import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { InferenceClient } from '@huggingface/inference';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { client, Refused } from '../../functions/client.ts';
import type { Service } from '../e2e/service.ts';
import { BOOT, garment, startForClients } from './service.ts';

let service: Service;
let folder: string;
beforeAll(async () => {
  service = await startForClients();
  folder = await mkdtemp(path.join(tmpdir(), 'examples-'));
  await writeFile(path.join(folder, 'boot.png'), garment(BOOT));
});
afterAll(async () => {
  await service?.stop();
  await rm(folder, { recursive: true, force: true });
});

const page = await readFile(path.join(import.meta.dirname, '../../functions/routes/README.md'), 'utf8');
const blocks = Array.from(page.matchAll(/```(\w+)\n(.*?)```/gs), ([, language = '', code = '']) => ({
  language,
  code,
}));
const of = (language: string) => blocks.filter((block) => block.language === language).map(({ code }) => code);
const AsyncFunction = (async () => {}).constructor as new (
  ...texts: string[]
) => (...values: unknown[]) => Promise<unknown>;

describe('the examples of functions/routes/README.md', () => {
  it('are of every kind', () => {
    expect(new Set(blocks.map(({ language }) => language))).toEqual(
      new Set(['bash', 'js', 'ts', 'html', 'swift', 'kotlin']),
    );
  });

  // Those with a head need tables: test/e2e/heads.test.ts runs them.
  it.each(
    of('bash')
      .flatMap((code) => code.trim().split('\n'))
      .filter((line) => !line.includes('shelf')),
  )('%s', async (line) => {
    const run = promisify(execFile);
    const { stdout } = await run('bash', ['-c', line], { cwd: folder, env: { ...process.env, BASE: service.base } });
    const answer = JSON.parse(stdout);
    if (line.includes(':predict'))
      return expect(answer.predictions[0].indexOf(Math.max(...answer.predictions[0]))).toBe(9);
    const { predictions } = answer.results?.[1] ?? answer;
    expect(predictions[0].label).toBe('Ankle boot');
    expect(predictions).toHaveLength(line.includes('labels=') ? 2 : 3);
  });

  it.each([...of('js'), ...of('ts')])('%s', async (code) => {
    const file = new Blob([garment(BOOT)], { type: 'image/png' });
    const result = code.includes('labels') ? 'labels' : 'predictions';
    const example = new AsyncFunction('base', 'file', 'client', 'InferenceClient', `${code}; return ${result};`);
    const predictions = (await example(service.base, file, client, InferenceClient)) as { label: string }[];
    expect(predictions[0]?.label).toBe('Ankle boot');
    expect(predictions).toHaveLength(result === 'labels' ? 5 : 3);
  });

  // There is no compiler of these here: what they send is taken from their text, and sent; what they read has to be there.
  it.each([...of('swift'), ...of('kotlin')])('%s', async (code) => {
    const [, query = ''] = /base\)?(\/classify[^"]+)"/.exec(code) ?? [];
    const [type = ''] = /image\/\w+/.exec(code) ?? [];
    const photo = await sharp(garment(BOOT)).resize(280).jpeg({ quality: 80 }).toBuffer();
    expect(code).toMatch(/httpMethod = "POST"|\.post\(/);
    const body = new Uint8Array(photo);
    const answer = await fetch(service.base + query, { method: 'POST', body, headers: { 'content-type': type } });
    const { predictions } = (await answer.json()) as { predictions: Record<string, unknown>[] };
    expect([answer.status, predictions.length]).toEqual([200, 3]);
    const fields = Array.from(code.matchAll(/let (\w+): (String|Int|Double)/g), ([, name = '']) => name);
    for (const field of fields) expect(predictions[0]).toHaveProperty(field);
  });
});

describe('the typed client', () => {
  const boot = () => new Blob([garment(BOOT)]);

  it('lists models, and classifies several pictures each for itself', async () => {
    const asked = client(service.base);
    expect((await asked.models()).map(({ id }) => id)).toContain('fashion-mlp');
    const { results } = await asked.classifyAll('fashion-mlp', [boot(), new Blob(['x'])], { top_k: 1 });
    expect(results.map(({ status }) => status)).toEqual([200, 415]);
    const labels = ['Bag', 'Ankle boot'];
    const { predictions } = await asked.classify('fashion-mlp', await boot().arrayBuffer(), { labels });
    expect(predictions.map(({ label }) => label)).toEqual(['Ankle boot', 'Bag']);
  });

  it('has a method for each route in its types, and throws what is refused', async () => {
    const { api, classify } = client(service.base);
    const json = { image: garment(BOOT).toString('base64'), top_k: 1 };
    const answer = await api.classify[':model'].$post({ param: { model: 'fashion-mlp' }, json });
    expect(await answer.json()).toMatchObject({ predictions: [{ label: 'Ankle boot' }] });
    const refused = await classify('no-such-model', boot()).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Refused);
    expect((refused as Refused).problem).toMatchObject({ status: 404, type: '/problems#model-unknown' });
  });
});
