import tfjs from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { createApp, createTensorApp } from '../../../functions/app.ts';
import { sha256Hex } from '../../../functions/bytes.ts';
import { embeddingsSchema } from '../../../functions/classify/embedding.ts';
import jpeg from '../../../functions/image/jpeg/build/decoder.wasm';
import baseline from '../../../functions/runtime/int8/build/baseline.wasm';
import relaxed from '../../../functions/runtime/int8/build/relaxed.wasm';
import { memoryAssets, memoryModel } from '../catalogue/model-folder.ts';
import { pooledModel } from '../classify/pooled-model.ts';
import { pngFile } from '../image/png-file.ts';
import { CHANNELS, HEIGHT, numbers, WIDTH } from '../runtime/int8/pooled-network.ts';

/** A service of two models: `pooled` has embeddings of eight numbers, `left-right` has none. */
async function service(isolatedAbove?: number) {
  const models = new Map([
    ['pooled', await pooledModel('pooled')],
    ['left-right', await memoryModel('left-right')],
  ]);
  const host = {
    models: memoryAssets(models).assets,
    page: null,
    modules: { tfjs, jpeg, int8: { baseline, relaxed } },
    memoryBytes: 100_000_000,
    log: () => {},
  };
  const second = createTensorApp(host);
  const paths: string[] = [];
  const isolated = {
    aboveBytes: isolatedAbove ?? 0,
    async fetch(request: Request) {
      paths.push(new URL(request.url).pathname);
      return second.fetch(request);
    },
  };
  const app = createApp(isolatedAbove === undefined ? host : { ...host, isolated });
  const ask = async (path: string, body: BodyInit, headers: Record<string, string> = {}) =>
    app.request(path, { method: 'POST', body, headers });
  return Object.assign(ask, { get: (path: string) => app.request(path), paths, second });
}

/** As large as the model's input, so that nothing is resized. */
async function picture(pixelOf: (i: number) => number) {
  const pixels = Array.from({ length: HEIGHT * WIDTH }, (_, i) => pixelOf(i) % 256);
  const rows = Array.from({ length: HEIGHT }, (_, y) => [0, ...pixels.slice(y * WIDTH, (y + 1) * WIDTH)]).flat();
  return { file: await pngFile({ width: WIDTH, height: HEIGHT, rows }), pixels };
}

/** By the formulas of the ops. */
function pooledOf(pixels: readonly number[]): number[] {
  return Array.from({ length: CHANNELS }, (_, c) => {
    const of = (pixel: number) =>
      Math.min(Math.max(Math.round(pixel * numbers.first(c) * numbers.firstScale + numbers.firstBias(c)), 0), 127);
    const sum = pixels.reduce((total, pixel) => total + of(pixel), 0);
    return Math.round((sum * numbers.poolStep) / pixels.length + numbers.poolBias);
  });
}
const unit = (values: readonly number[]) => values.map((value) => Math.fround(value / Math.hypot(...values)));
const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));

let ask: Awaited<ReturnType<typeof service>>;
let one: Awaited<ReturnType<typeof picture>>;
let other: Awaited<ReturnType<typeof picture>>;
beforeAll(async () => {
  ask = await service();
  one = await picture((i) => i * 73 + 19);
  other = await picture((i) => i * 5);
});

describe('POST /embed/{model}', () => {
  it('gives a vector of length 1, named by the picture, and says which version made it', async () => {
    const answer = await ask('/embed/pooled', one.file);
    expect(answer.status).toBe(200);
    const { embeddings, model } = embeddingsSchema.parse(await answer.json());
    expect(model).toEqual({ id: 'pooled', version: '1'.repeat(64), revision: 1 });
    expect(embeddings).toEqual([
      { id: await sha256Hex(new Uint8Array(one.file)), dims: CHANNELS, data: unit(pooledOf(one.pixels)).map(near) },
    ]);
    expect(answer.headers.get('x-model-version')).toBe('1'.repeat(64));
  });

  it('in the steps of the network, with normalize=false', async () => {
    const { embeddings } = embeddingsSchema.parse(await (await ask('/embed/pooled?normalize=false', one.file)).json());
    expect(embeddings[0]).toMatchObject({ data: pooledOf(one.pixels) });
  });

  it('takes pictures in every form that /classify takes, and answers a bad one for itself', async () => {
    const form = new FormData();
    for (const bytes of [one.file, new Uint8Array([1, 2, 3]), other.file]) form.append('images', new Blob([bytes]));
    const json = { images: [one.file, new Uint8Array([1, 2, 3]), other.file].map(base64) };
    for (const body of [form, JSON.stringify(json)]) {
      const type = typeof body === 'string' ? { 'content-type': 'application/json' } : {};
      const answer = await ask('/embed/pooled?normalize=false', body, type as Record<string, string>);
      expect(answer.status).toBe(200);
      const { embeddings } = embeddingsSchema.parse(await answer.json());
      expect(embeddings).toMatchObject([
        { data: pooledOf(one.pixels) },
        { status: 415, error: { type: '/problems#image-unsupported' } },
        { data: pooledOf(other.pixels) },
      ]);
    }
  });

  it('f32 are the same numbers, least significant byte first', async () => {
    const form = new FormData();
    for (const { file } of [one, other]) form.append('images', new Blob([file]));
    const answer = await ask('/embed/pooled?format=f32', form);
    expect(answer.headers.get('content-type')).toBe('application/octet-stream');
    expect([answer.headers.get('x-dims'), answer.headers.get('x-count')]).toEqual([String(CHANNELS), '2']);
    const view = new DataView(await answer.arrayBuffer());
    const values = Array.from({ length: view.byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true));
    expect(values).toEqual([...unit(pooledOf(one.pixels)), ...unit(pooledOf(other.pixels))].map(near));
    const json = embeddingsSchema.parse(await (await ask('/embed/pooled', one.file)).json());
    const [first] = json.embeddings;
    if (!first || 'error' in first) throw new Error('refused');
    expect(first.data.map(Math.fround)).toEqual(values.slice(0, CHANNELS));
  });

  it('i8 have the same direction, with a scale a row', async () => {
    const answer = await ask('/embed/pooled?format=i8', one.file);
    const bytes = new Int8Array(await answer.arrayBuffer());
    const scale = Number(answer.headers.get('x-scale'));
    const expected = unit(pooledOf(one.pixels));
    expect(Math.max(...bytes)).toBe(127);
    bytes.forEach((byte, i) => {
      expect(Math.abs(byte * scale - (expected[i] ?? 0))).toBeLessThanOrEqual(scale / 2 + 1e-7);
    });
  });

  it('has an ETag', async () => {
    const etag = (await ask('/embed/pooled', one.file)).headers.get('etag') ?? '';
    expect((await ask('/embed/pooled', one.file, { 'if-none-match': etag })).status).toBe(304);
  });

  it('is offered in the list of models', async () => {
    const { models } = (await (await ask.get('/models')).json()) as { models: { id: string; embedding?: object }[] };
    expect(models.map(({ id, embedding }) => [id, embedding])).toEqual([
      ['left-right', undefined],
      ['pooled', { dims: CHANNELS }],
    ]);
  });
});

describe('is refused', () => {
  it('for a network that has none, naming one that has', async () => {
    const answer = await ask('/embed/left-right', one.file);
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({
      type: '/problems#embedding-unavailable',
      detail: expect.stringMatching(/"left-right" has no embedding.*These have one: pooled\./),
    });
  });

  it.each<[string, string, BodyInit, number, RegExp]>([
    ['an unknown model', '/embed/nothing', 'x', 404, /no model .{1,2}nothing/],
    ['another version', '/embed/pooled@9', 'x', 404, /no version 9/],
    ['another format', '/embed/pooled?format=f16', 'x', 400, /format/],
    ['another option', '/embed/pooled?top_k=1', 'x', 400, /top_k/],
    ['an option twice', '/embed/pooled?format=f32&format=i8', 'x', 400, /twice/],
    ['a label in place of a truth', '/embed/pooled?normalize=maybe', 'x', 400, /normalize/],
    ['no picture', '/embed/pooled', '', 400, /no image/],
    ['what is no picture', '/embed/pooled', 'hello', 415, /PNG/],
  ])('with %s', async (_name, path, body, status, says) => {
    const answer = await ask(path, body);
    expect([answer.status, await answer.text()]).toEqual([status, expect.stringMatching(says)]);
  });

  it('as a whole where the numbers alone are asked for and one picture is bad', async () => {
    const form = new FormData();
    for (const bytes of [one.file, new Uint8Array([1])]) form.append('images', new Blob([bytes]));
    expect((await ask('/embed/pooled?format=f32', form)).status).toBe(415);
  });

  it('with options of a classification beside the picture', async () => {
    const body = JSON.stringify({ image: base64(one.file), explain: 'cam' });
    const answer = await ask('/embed/pooled', body, { 'content-type': 'application/json' });
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringMatching(/has no explain/)]);
  });

  it('by other methods', async () => {
    expect((await ask.get('/embed/pooled')).status).toBe(405);
  });
});

describe('a model in a Worker of its own', () => {
  it('gives the same numbers through the door between them', async () => {
    const both = await service(0);
    const answer = await both('/embed/pooled?normalize=false', one.file);
    expect(embeddingsSchema.parse(await answer.json()).embeddings[0]).toMatchObject({ data: pooledOf(one.pixels) });
    expect(both.paths).toEqual([`/embedding/pooled/${'1'.repeat(64)}`]);
  });

  it('that has none says so', async () => {
    const both = await service(0);
    expect((await both('/embed/left-right', one.file)).status).toBe(422);
  });

  it('refuses what is no input of the model', async () => {
    const headers = { 'content-type': 'application/octet-stream' };
    const path = `/embedding/pooled/${'1'.repeat(64)}`;
    const answer = await ask.second.request(path, { method: 'POST', body: new Uint8Array(3), headers });
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringMatching(/3 bytes/)]);
  });
});

describe('POST /hf/models/{model}/pipeline/feature-extraction', () => {
  const path = '/hf/models/pooled/pipeline/feature-extraction';
  const json = { 'content-type': 'application/json' };

  it('answers a vector for a picture, and a list of them for a list', async () => {
    const vector = unit(pooledOf(one.pixels)).map(near);
    expect(await (await ask(path, one.file)).json()).toEqual(vector);
    expect(await (await ask(path, JSON.stringify({ inputs: base64(one.file) }), json)).json()).toEqual(vector);
    const inputs = [one.file, other.file].map(base64);
    const list = await (await ask(path, JSON.stringify({ inputs, normalize: false }), json)).json();
    expect(list).toEqual([pooledOf(one.pixels), pooledOf(other.pixels)]);
  });

  it.each<[string, string, number]>([
    ['no inputs', JSON.stringify({}), 400],
    ['an empty list', JSON.stringify({ inputs: [] }), 400],
    ['33 inputs', JSON.stringify({ inputs: Array(33).fill('AAAA') }), 400],
    ['what is no picture', JSON.stringify({ inputs: 'AAAA' }), 415],
  ])('refuses %s in its own form', async (_name, body, status) => {
    const answer = await ask(path, body, json);
    expect([answer.status, await answer.json()]).toEqual([status, { error: expect.any(String) }]);
  });

  it('says of a network without one which have one', async () => {
    const answer = await ask(path.replace('pooled', 'left-right'), one.file);
    expect([answer.status, await answer.json()]).toEqual([422, { error: expect.stringContaining('pooled') }]);
  });
});

const near = (value: number) => expect.closeTo(value, 6);
