import tfjs from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm';
import { describe, expect, it } from 'vitest';
import { createApp, createTensorApp } from '../../../functions/app.ts';
import jpeg from '../../../functions/image/jpeg/build/decoder.wasm';
import baseline from '../../../functions/runtime/int8/build/baseline.wasm';
import relaxed from '../../../functions/runtime/int8/build/relaxed.wasm';
import { json, memoryAssets, memoryModel } from '../catalogue/model-folder.ts';

/** A 2x1 grey PNG, left 10, right 200; made with zlib by hand. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAAAAADRSSBWAAAAC0lEQVR4nGPgOgEAAN8A00shpUkAAAAASUVORK5CYII=';
const picture = Uint8Array.from(atob(PNG), (c) => c.charCodeAt(0));
const VERSION = '0'.repeat(64);
const OCTETS = { 'content-type': 'application/octet-stream' };

type Send = (request: Request) => Promise<Response>;

/** A gateway whose models (1,000,016 bytes each) all run in a second application, and what it sent there. */
async function twoWorkers({ second, memoryBytes = 100_000_000 }: { second?: Send; memoryBytes?: number } = {}) {
  const models = new Map([['m', await memoryModel('m')]]);
  const host = (folders: typeof models, bytes: number) => ({
    models: memoryAssets(folders).assets,
    page: null,
    modules: { tfjs, jpeg, int8: { baseline, relaxed } },
    memoryBytes: bytes,
    log: () => {},
  });
  const theirs = new Map([['m', new Map(models.get('m'))]]);
  const isolated = createTensorApp(host(theirs, memoryBytes));
  const sent: Request[] = [];
  const send = second ?? (async (request: Request) => isolated.fetch(request));
  const gateway = createApp({
    // Less than the model takes: it cannot run here.
    ...host(models, 900_000),
    isolated: {
      aboveBytes: 1_000_000,
      fetch(request) {
        sent.push(request.clone() as Request);
        return send(request);
      },
    },
  });
  const classify = () => gateway.request('/classify/m', { method: 'POST', body: picture });
  return { gateway, isolated, theirs, sent, classify };
}

const problem = async (response: Response) => {
  const { type, detail } = await response.json<{ type: string; detail: string }>();
  return { status: response.status, type, detail, retryAfter: response.headers.get('retry-after') };
};

describe('a model in a Worker of its own', () => {
  it('is sent the two pixels of its input, and answers', async () => {
    const { classify, sent } = await twoWorkers();
    const answer = await classify();
    expect(answer.status).toBe(200);
    const { predictions } = await answer.json<{ predictions: { label: string; score: number }[] }>();
    // Logits 10/255 and 200/255, as the dense layer is the identity.
    expect(predictions.map(({ label }) => label)).toEqual(['right', 'left']);
    expect(predictions[0]?.score).toBeCloseTo(1 / (1 + Math.exp(-190 / 255)), 6);
    expect(sent.map(({ url, method }) => [method, new URL(url).pathname])).toEqual([['POST', `/tensor/m/${VERSION}`]]);
    expect([...new Uint8Array((await sent[0]?.arrayBuffer()) ?? new ArrayBuffer(0))]).toEqual([10, 200]);
  });

  it('has no door on the public application', async () => {
    const { gateway } = await twoWorkers();
    const answer = await gateway.request(`/tensor/m/${VERSION}`, { method: 'POST', body: picture, headers: OCTETS });
    expect(await problem(answer)).toMatchObject({ status: 404, type: '/problems#route-unknown' });
  });

  it('that lacks memory there is busy here', async () => {
    const { classify } = await twoWorkers({ memoryBytes: 900_000 });
    expect(await problem(await classify())).toMatchObject({
      status: 503,
      type: '/problems#busy',
      detail: expect.stringContaining('0.9 MB'),
    });
  });

  it('says when to come back', async () => {
    const refusal = { code: 'busy', what: 'Full.', todo: 'Wait.', retryAfterSeconds: 7 };
    const { classify } = await twoWorkers({ second: async () => Response.json(refusal, { status: 503 }) });
    expect(await problem(await classify())).toMatchObject({ status: 503, detail: 'Full. Wait.', retryAfter: '7' });
  });

  it('with a flipped byte there is 503 naming the file', async () => {
    const { classify, theirs } = await twoWorkers();
    theirs.get('m')?.set('w.bin', new Uint8Array(16));
    expect(await problem(await classify())).toMatchObject({
      status: 503,
      type: '/problems#model-broken',
      detail: expect.stringContaining('w.bin is not the file'),
    });
  });

  it('of another version is 503', async () => {
    const { classify, theirs } = await twoWorkers();
    const manifest = JSON.parse(new TextDecoder().decode(theirs.get('m')?.get('manifest.json')));
    theirs.get('m')?.set('manifest.json', json({ ...manifest, version: '1'.repeat(64) }));
    expect((await problem(await classify())).detail).toMatch(/manifest\.json is not of version 0{64}/);
  });

  it.each<[string, Send]>([
    ['is not there', () => Promise.reject(new Error('no such service'))],
    [
      'does not have it',
      async () => Response.json({ code: 'model-unknown', what: 'No.', todo: 'No.' }, { status: 503 }),
    ],
    ['answers something else', async () => new Response('<h1>Hello</h1>')],
    ['fails', async () => new Response('oops', { status: 500 })],
  ])('whose Worker %s is 503, and says so', async (_name, second) => {
    const { classify } = await twoWorkers({ second });
    expect(await problem(await classify())).toMatchObject({
      status: 503,
      type: '/problems#model-broken',
      detail: expect.stringContaining('runs in a Worker of its own'),
    });
  });
});

describe('the door between the Workers', () => {
  it.each<[string, string, BodyInit, HeadersInit, RegExp]>([
    ['a byte too few', `/tensor/m/${VERSION}`, new Uint8Array(1), OCTETS, /has 1 bytes/],
    ['a byte too many', `/tensor/m/${VERSION}`, new Uint8Array(3), OCTETS, /has 3 bytes/],
    ['no body', `/tensor/m/${VERSION}`, new Uint8Array(0), OCTETS, /has 0 bytes/],
    ['another type', `/tensor/m/${VERSION}`, new Uint8Array(2), { 'content-type': 'image/png' }, /image\/png/],
    ['an unknown model', `/tensor/x/${VERSION}`, new Uint8Array(2), OCTETS, /no model \\"x\\"/],
    ['another version', '/tensor/m/1', new Uint8Array(2), OCTETS, /not of version 1/],
  ])('refuses %s', async (_name, path, body, headers, says) => {
    const { isolated } = await twoWorkers();
    const answer = await isolated.request(path, { method: 'POST', body, headers });
    expect([400, 503]).toContain(answer.status);
    expect(await answer.text()).toMatch(says);
  });

  it('takes the pixels as they are', async () => {
    const { isolated } = await twoWorkers();
    const body = Uint8Array.of(255, 0);
    const answer = await isolated.request(`/tensor/m/${VERSION}`, { method: 'POST', body, headers: OCTETS });
    const [left = 0, right = 0] = new Float32Array(await answer.arrayBuffer());
    expect(left).toBeCloseTo(1 / (1 + Math.exp(-1)), 6);
    expect(left + right).toBeCloseTo(1, 6);
  });
});
