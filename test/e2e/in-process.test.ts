import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Miniflare } from 'miniflare';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assets, builtWorker, PLATFORM } from '../bench/direct-worker.ts';

const fixtures = path.join(import.meta.dirname, '../fixtures');
const boot = readFileSync(path.join(fixtures, 'fashion/9-0000.png'));

let miniflare: Miniflare;
const lines: string[] = [];
/** With keys on: whoever binds the service needs none. */
const service = { ...builtWorker(), bindings: { ACCESS: 'on', RATE_LIMITS: limits() }, serviceBindings: assets() };

/** A user's Worker, as it is since compatibility date 2026-04-21, and an older one. */
const user = (name: string, flag: string) => ({
  name,
  modules: true,
  script: readFileSync(path.join(fixtures, 'bound-worker.js'), 'utf8'),
  compatibilityDate: '2026-04-20',
  compatibilityFlags: [flag],
  serviceBindings: { CLASSIFIER: { name: 'service', entrypoint: 'Classifier' } },
});

function limits() {
  const number = { requests: 100, seconds: 60 };
  return { key: number, address: number };
}

beforeAll(async () => {
  const simple = { limit: 100, period: 60 as const };
  miniflare = new Miniflare({
    workers: [
      user('user', 'enhanced_error_serialization'),
      user('older', 'legacy_error_serialization'),
      {
        name: 'service',
        compatibilityDate: PLATFORM.compatibilityDate,
        compatibilityFlags: PLATFORM.compatibilityFlags,
        ...service,
        d1Databases: ['DB'],
        ratelimits: { KEY_LIMIT: { simple }, ADDRESS_LIMIT: { simple } },
      },
    ],
    handleRuntimeStdio: (output: NodeJS.ReadableStream) =>
      output.on('data', (chunk: Buffer) => lines.push(...String(chunk).split('\n'))),
  });
  await miniflare.ready;
});
afterAll(() => miniflare?.dispose());

async function ask(address: string, body?: Uint8Array, worker = 'user') {
  const { fetch } = await miniflare.getWorker(worker);
  const answer = await fetch(`http://user${address}`, body ? { method: 'POST', body } : {});
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the form that it expects
  return { status: answer.status, json: (await answer.json()) as any };
}

const wrongly = (method: string, args: unknown[], worker?: string) =>
  ask(`/any?call=${encodeURIComponent(JSON.stringify({ method, args }))}`, undefined, worker);

describe('a Worker that binds the service', () => {
  it('classifies a stream and bytes, and gets what HTTP answers', async () => {
    const stream = await ask('/stream', boot);
    expect(stream.status).toBe(200);
    expect(stream.json.predictions).toHaveLength(3);
    expect(stream.json.predictions[0]).toMatchObject({ label: 'Ankle boot', index: 9 });
    expect(stream.json.model).toMatchObject({ id: 'fashion-mlp', version: expect.stringMatching(/^[0-9a-f]{64}$/) });
    const bytes = await ask('/bytes', boot);
    expect(bytes.json.predictions).toHaveLength(5);
    expect(bytes.json.predictions.slice(0, 3)).toEqual(stream.json.predictions);
  });

  it('runs a model as Workers AI does', async () => {
    const { json } = await ask('/run', boot);
    expect(json).toHaveLength(5);
    for (const one of json) expect(Object.keys(one).sort()).toEqual(['label', 'score']);
    expect(json[0].label).toBe('Ankle boot');
    expect(json[0].score).toBeGreaterThan(json[1].score);
  });

  it('lists the models', async () => {
    expect((await ask('/models')).json).toContain('fashion-mlp');
  });

  it('stands in the log, without the picture', async () => {
    await ask('/run', boot);
    const logged = () => lines.filter((line) => line.includes('"RPC"')).map((line) => JSON.parse(line));
    await expect.poll(logged).toContainEqual(
      expect.objectContaining({
        method: 'RPC',
        path: 'run',
        status: 200,
        model: 'fashion-mlp',
        requestId: expect.any(String),
      }),
    );
  });
});

describe('errors', () => {
  const many = Array.from({ length: 200 }, () => 7);

  it.each<[string, unknown[], string, number, RegExp]>([
    ['classify', ['nobody', many], 'model-unknown', 404, /no model "nobody".*Ask for one of/],
    ['classify', ['../fashion-mlp', many], 'model-unknown', 404, /no model/],
    ['classify', [7, many], 'bad-request', 400, /no text/],
    ['classify', ['fashion-mlp', []], 'body-empty', 400, /no image/],
    ['classify', ['fashion-mlp'], 'bad-request', 400, /no picture/],
    ['classify', ['fashion-mlp', 'text'], 'bad-request', 400, /no picture/],
    ['classify', ['fashion-mlp', many], 'image-unsupported', 415, /PNG/],
    ['classify', ['fashion-mlp', [...many, 256]], 'bad-request', 400, /no bytes/],
    ['classify', ['fashion-mlp', [...many, 'x']], 'bad-request', 400, /no bytes/],
    ['classify', ['fashion-mlp', many, { top_k: 0 }], 'bad-option', 400, /top_k/],
    ['classify', ['fashion-mlp', many, { topk: 3 }], 'bad-option', 400, /topk/],
    ['classify', ['fashion-mlp', many, null], 'bad-option', 400, /options/],
    ['classify', ['fashion-mlp', many, { head: 'shelf' }], 'option-unavailable', 422, /without head/],
    ['run', ['fashion-mlp', { picture: many }], 'bad-request', 400, /no picture/],
    ['run', ['fashion-mlp', null], 'bad-request', 400, /no picture/],
  ])('%s(%j) are thrown with code, status and advice', async (method, args, code, status, says) => {
    const { json } = await wrongly(method, args);
    expect(json).toMatchObject({ name: 'ClassifierError', code, status, detail: expect.stringMatching(says) });
    expect(json.message).toBe(`${code}: ${json.detail}`);
    if (code === 'bad-option') expect(json.fields).toHaveLength(1);
  });

  it('keep their code in the message where the other Worker gets no more than that', async () => {
    const { json } = await wrongly('classify', ['nobody', many], 'older');
    expect(json.code).toBeUndefined();
    expect(json.message).toMatch(/^(ClassifierError: )?model-unknown: There is no model "nobody"/);
  });

  it('say when a picture is too large before it is read', async () => {
    const { json } = await ask('/bytes', new Uint8Array(10_000_001));
    expect(json).toMatchObject({ code: 'body-too-large', status: 413 });
    expect((await ask('/stream', new Uint8Array(10_000_001))).json).toMatchObject({ code: 'body-too-large' });
    expect((await ask('/bytes', boot)).status).toBe(200);
  });

  it('come from no other method: nothing else can be called', async () => {
    for (const method of ['fetch', 'env', 'ctx', 'constructor', 'call']) {
      const { status } = await wrongly(method, []);
      expect(status, method).toBe(500);
    }
  });
});
