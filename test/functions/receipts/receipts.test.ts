import tfjs from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm';
import { compactVerify, importJWK } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../../functions/app.ts';
import { sha256Hex } from '../../../functions/bytes.ts';
import type { Host } from '../../../functions/host.ts';
import jpeg from '../../../functions/image/jpeg/build/decoder.wasm';
import { type KeySet, keySetSchema, Receipts, verifiedStatement } from '../../../functions/receipts/receipts.ts';
import baseline from '../../../functions/runtime/int8/build/baseline.wasm';
import relaxed from '../../../functions/runtime/int8/build/relaxed.wasm';
import { memoryAssets } from '../catalogue/model-folder.ts';
import { pooledModel } from '../classify/pooled-model.ts';
import { pngFile } from '../image/png-file.ts';
import { HEIGHT, WIDTH } from '../runtime/int8/pooled-network.ts';

const SECRET = 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=';

async function service(receipts: Host['receipts'] | null = { secret: SECRET }) {
  const app = createApp({
    models: memoryAssets(new Map([['pooled', await pooledModel('pooled')]])).assets,
    page: null,
    modules: { tfjs, jpeg, int8: { baseline, relaxed } },
    memoryBytes: 100_000_000,
    ...(receipts && { receipts }),
    log: () => {},
  });
  const row = [0, ...Array<number>(WIDTH).fill(200)];
  const picture = new Uint8Array(await pngFile({ width: WIDTH, height: HEIGHT, rows: Array(HEIGHT).fill(row).flat() }));
  const ask = async (query: string) => {
    const answer = await app.request(`/classify/pooled${query}`, { method: 'POST', body: picture });
    return { status: answer.status, json: (await answer.json()) as { receipt?: string; detail?: string } };
  };
  const keys = async (): Promise<KeySet> => keySetSchema.parse(await (await app.request('/receipts/keys')).json());
  return { app, ask, keys, picture };
}

let here: Awaited<ReturnType<typeof service>>;
let receipt: string;
let keys: KeySet;
beforeAll(async () => {
  here = await service();
  receipt = (await here.ask('?receipt=1')).json.receipt ?? '';
  keys = await here.keys();
});

describe('a receipt', () => {
  it('is a JWS that others verify, over picture, version and scores', async () => {
    const [jwk] = keys.keys;
    const { payload, protectedHeader } = await compactVerify(receipt, await importJWK({ ...jwk }, 'EdDSA'));
    expect(protectedHeader).toEqual({ alg: 'EdDSA', kid: jwk?.kid, typ: 'receipt+jws' });
    const statement = JSON.parse(new TextDecoder().decode(payload));
    expect(statement).toEqual({
      iat: expect.any(Number),
      model: { id: 'pooled', version: '1'.repeat(64), revision: 1, runtime: 'int8' },
      picture: await sha256Hex(here.picture),
      scores: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(await verifiedStatement(receipt, keys)).toEqual(statement);
  });

  it('states the same scores with an explanation, by another isolate, and signs by the same key', async () => {
    const { scores } = await verifiedStatement(receipt, keys);
    const explained = (await here.ask('?receipt=true&explain=cam')).json.receipt ?? '';
    expect((await verifiedStatement(explained, keys)).scores).toBe(scores);
    const again = await service();
    expect(await again.keys()).toEqual(keys);
    const theirs = (await again.ask('?receipt=1&top_k=1')).json.receipt ?? '';
    expect((await verifiedStatement(theirs, keys)).scores).toBe(scores);
  });

  it('with one altered character does not hold, whichever it is', async () => {
    let refused = 0;
    for (let at = 0; at < receipt.length; at += 3) {
      if (receipt[at] === '.') continue;
      const other = receipt[at] === 'A' ? 'B' : 'A';
      // The last character of a part has bits that say nothing.
      if (receipt[at + 1] === '.' || at === receipt.length - 1) continue;
      const altered = receipt.slice(0, at) + other + receipt.slice(at + 1);
      await expect(verifiedStatement(altered, keys), `at ${at}`).rejects.toMatchObject({ code: 'signature-refused' });
      refused++;
    }
    expect(refused).toBeGreaterThan(100);
  });

  it.each<[string, (good: string) => string]>([
    ['nothing', () => ''],
    ['three dots', () => '...'],
    ['one that is signed by nobody', (good) => `${btoa('{"alg":"none","typ":"receipt+jws"}')}.${good.split('.')[1]}.`],
    ['one without its signature', (good) => good.split('.').slice(0, 2).join('.')],
    ['ten thousand characters', () => 'a'.repeat(10_000)],
  ])('is not %s', async (_name, make) => {
    await expect(verifiedStatement(make(receipt), keys)).rejects.toMatchObject({ code: 'signature-refused' });
  });

  it('of another service does not hold here', async () => {
    const other = new Receipts({ secret: 'whsec_another' });
    const { iat: _, ...statement } = await verifiedStatement(receipt, keys);
    await expect(verifiedStatement(await other.sign(statement), keys)).rejects.toThrow(/another key/);
  });

  it('is there only where it is asked for, and where there is a secret', async () => {
    expect((await here.ask('')).json).not.toHaveProperty('receipt');
    expect((await here.ask('?receipt=0')).json).not.toHaveProperty('receipt');
    const without = await service(null);
    expect(await without.ask('?receipt=1')).toMatchObject({
      status: 422,
      json: { detail: expect.stringContaining('signs no receipts') },
    });
    expect((await without.app.request('/receipts/keys')).status).toBe(404);
  });
});
