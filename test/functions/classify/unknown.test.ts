import tfjs from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm';
import { describe, expect, it } from 'vitest';
import { createApp, createTensorApp } from '../../../functions/app.ts';
import { sha256Hex } from '../../../functions/bytes.ts';
import type { Answer } from '../../../functions/classify/answer.ts';
import type { Host } from '../../../functions/host.ts';
import jpeg from '../../../functions/image/jpeg/build/decoder.wasm';
import baseline from '../../../functions/runtime/int8/build/baseline.wasm';
import relaxed from '../../../functions/runtime/int8/build/relaxed.wasm';
import { json, memoryAssets } from '../catalogue/model-folder.ts';
import { pngFile } from '../image/png-file.ts';
import { CHANNELS, CLASSES, HEIGHT, WIDTH } from '../runtime/int8/pooled-network.ts';
import { pooledModel } from './pooled-model.ts';

/** Channels of light are the even ones: a class that is all light, one of darkness, and one of nothing. */
const PROTOTYPES = Int8Array.from({ length: CLASSES * CHANNELS }, (_, i) => {
  const [row, channel] = [Math.floor(i / CHANNELS), i % CHANNELS];
  return row < 2 && channel % 2 === row ? 100 : 0;
});
const THRESHOLD = 0.2;

/** The pooled network, that tells by prototypes what is unknown. */
async function model(prototypes: Int8Array | null = PROTOTYPES) {
  const files = await pooledModel('pooled');
  const manifest = JSON.parse(new TextDecoder().decode(files.get('manifest.json')));
  const unknown = {
    ...{ method: 'prototype', threshold: THRESHOLD, falseRejects: 0.05, dataset: 'd', images: 1 },
    ...{ measuredFalseRejects: 0.05, others: [{ dataset: 'o', images: 1, auroc: 1, fprAt95: 0 }] },
  };
  if (prototypes) {
    const bytes = new Uint8Array(prototypes);
    files.set('prototypes.bin', bytes);
    const sha256 = await sha256Hex(bytes);
    manifest.files.push({ path: 'prototypes.bin', role: 'prototypes', bytes: bytes.length, sha256 });
  }
  files.set('manifest.json', json({ ...manifest, certainty: { unknown } }));
  return files;
}

async function service(prototypes?: Int8Array | null, more: Partial<Host> = {}) {
  const host = {
    models: memoryAssets(new Map([['pooled', await model(prototypes)]])).assets,
    page: null,
    modules: { tfjs, jpeg, int8: { baseline, relaxed } },
    memoryBytes: 100_000_000,
    log: () => {},
  };
  const app = createApp({ ...host, ...more });
  const ask = async (query: string, value: number, headers: Record<string, string> = {}) => {
    const row = [0, ...Array<number>(WIDTH).fill(value)];
    const body = await pngFile({ width: WIDTH, height: HEIGHT, rows: Array(HEIGHT).fill(row).flat() });
    const answer = await app.request(`/classify/pooled${query}`, { method: 'POST', body, headers });
    const cache = answer.headers.get('x-cache');
    return { status: answer.status, cache, ...((await answer.json()) as Answer & { detail: string }) };
  };
  return { ask, host };
}

describe('what is unknown by prototypes', () => {
  it('is a picture between those that are known', async () => {
    const { ask } = await service();
    const [light, dark, between] = [await ask('', 255), await ask('', 0), await ask('', 150)];
    expect([light, dark].map(({ unknown }) => unknown?.is_unknown)).toEqual([false, false]);
    expect(between.unknown?.is_unknown).toBe(true);
    expect(between.unknown?.score).toBeGreaterThan(THRESHOLD);
    expect(between.predictions.length).toBe(CLASSES);
    expect((await ask('?reject_unknown=1', 150)).predictions).toEqual([]);
    expect((await ask('?reject_unknown=1', 255)).predictions.length).toBe(CLASSES);
  });

  it('is the same with an explanation, and from a Worker of its own', async () => {
    const { ask, host } = await service();
    const { unknown } = await ask('', 150);
    expect((await ask('?explain=cam', 150)).unknown).toEqual(unknown);
    const second = createTensorApp(host);
    const isolated = { aboveBytes: 0, fetch: async (request: Request) => second.fetch(request) };
    expect((await (await service(PROTOTYPES, { isolated })).ask('', 150)).unknown).toEqual(unknown);
  });

  it('is the same from what is kept of earlier answers', async () => {
    const entries = new Map<string, ArrayBuffer>();
    const answers = {
      match: async (address: string) => {
        const bytes = entries.get(address);
        return bytes && new Response(bytes);
      },
      put: async (address: string, entry: Response) => {
        entries.set(address, await entry.arrayBuffer());
      },
    };
    const { ask } = await service(PROTOTYPES, { answers });
    const [first, again] = [await ask('', 150), await ask('', 150)];
    const elsewhere = await (await service(PROTOTYPES, { answers })).ask('', 150);
    expect([first.cache, again.cache, elsewhere.cache]).toEqual(['miss', 'hit', 'hit']);
    expect([again.unknown, elsewhere.unknown]).toEqual([first.unknown, first.unknown]);
    expect(first.unknown?.is_unknown).toBe(true);
  });

  it.each<[string, Int8Array | null]>([
    ['without them', null],
    ['with too few', PROTOTYPES.slice(1)],
  ])('is not told %s: the model is broken, and says so', async (_name, prototypes) => {
    const { status, detail } = await (await service(prototypes)).ask('', 0);
    expect([status, detail]).toEqual([503, expect.stringContaining('lists no prototypes of 24 bytes')]);
  });
});
