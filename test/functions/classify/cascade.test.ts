import tfjs from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../../functions/app.ts';
import type { AssetSource } from '../../../functions/catalogue/assets.ts';
import { type Cascade, checkedCascades } from '../../../functions/catalogue/cascade.ts';
import type { Answer } from '../../../functions/classify/answer.ts';
import { marginOf } from '../../../functions/classify/scores.ts';
import jpeg from '../../../functions/image/jpeg/build/decoder.wasm';
import baseline from '../../../functions/runtime/int8/build/baseline.wasm';
import relaxed from '../../../functions/runtime/int8/build/relaxed.wasm';
import { addKey, bearer, emptyTables, protectedService } from '../access/protected-service.ts';
import { json, memoryAssets, memoryVersion } from '../catalogue/model-folder.ts';
import { pngFile } from '../image/png-file.ts';

const measured = {
  ...{
    dataset: 'd',
    images: 1,
    agreement: 1,
    answeredByFirst: 0.5,
    meanMacs: 1,
    secondMacs: 2,
    top1: 1,
    secondTop1: 1,
  },
};
const line = (fields: Partial<Cascade> = {}): Cascade => ({
  first: 'small',
  second: 'large',
  margin: 0.2,
  measured,
  ...fields,
});

/** `small` says which of its two pixels is brighter; `large` says the contrary, so that one sees who spoke. */
async function networks(cascades: unknown): Promise<AssetSource> {
  const models = new Map([
    ['small', await memoryVersion('small', 1)],
    ['large', await memoryVersion('large', 1, { crossed: true })],
  ]);
  const { assets } = memoryAssets(models);
  return {
    async open(path) {
      if (path !== 'index.json') return assets.open(path);
      return new Blob([json({ models: ['large', 'small'], cascades })]).stream();
    },
  };
}

async function service(cascades: unknown = { auto: line() }) {
  const app = createApp({
    models: await networks(cascades),
    page: null,
    modules: { tfjs, jpeg, int8: { baseline, relaxed } },
    memoryBytes: 100_000_000,
    log: () => {},
  });
  const ask = async (path: string, body: BodyInit) => {
    const answer = await app.request(path, { method: 'POST', body });
    return { status: answer.status, headers: answer.headers, json: (await answer.json()) as Answer };
  };
  return { app, ask };
}
const picture = (left: number, right: number) => pngFile({ width: 2, height: 1, rows: [0, left, right] });

let here: Awaited<ReturnType<typeof service>>;
beforeAll(async () => {
  here = await service();
});

describe('a cascade', () => {
  it('is answered by the first network where it is sure, else by the second, and says by which', async () => {
    // softmax(1, 0) is 0.73 and 0.27, a margin of 0.46; softmax(0.1, 0) is 0.525 and 0.475, one of 0.05.
    const sure = await here.ask('/classify/auto', await picture(255, 0));
    expect(sure.json).toMatchObject({
      predictions: [{ label: 'left' }, { label: 'right' }],
      model: { id: 'small' },
      cascade: { id: 'auto', answered_by: 'first' },
    });
    const unsure = await here.ask('/classify/auto', await picture(26, 0));
    expect(unsure.json).toMatchObject({
      predictions: [{ label: 'right' }, { label: 'left' }],
      model: { id: 'large' },
      cascade: { id: 'auto', answered_by: 'second' },
    });
    const { version } = (await here.ask('/classify/large', await picture(26, 0))).json.model;
    expect(unsure.headers.get('x-model-version')).toBe(version);
  });

  it('answers several pictures each by one or the other', async () => {
    const form = new FormData();
    for (const [left, right] of [
      [255, 0],
      [26, 0],
      [0, 255],
    ] as const) {
      form.append('images', new Blob([new Uint8Array(await picture(left, right))]));
    }
    const { json: answers } = await here.ask('/classify/auto?top_k=1', form);
    expect(answers).toMatchObject({
      results: ['first', 'second', 'first'].map((answered_by) => ({ status: 200, cascade: { answered_by } })),
    });
    const bad = new FormData();
    bad.append('images', new Blob(['x']));
    expect(await here.ask('/classify/auto', bad)).toMatchObject({ status: 200, json: { model: { id: 'large' } } });
  });

  it('explains by the network that answers, and refuses what a model refuses', async () => {
    const { json: explained } = await here.ask('/classify/auto?explain=occlusion', await picture(26, 0));
    expect(explained).toMatchObject({ explanation: { class: { label: 'right' } }, cascade: { answered_by: 'second' } });
    expect((await here.ask('/classify/auto?top_k=0', 'x')).status).toBe(400);
    expect((await here.ask('/classify/auto', 'x')).status).toBe(415);
    expect((await here.ask('/classify/auto@1', await picture(1, 2))).status).toBe(404);
    expect((await here.ask('/classify/__proto__', await picture(1, 2))).status).toBe(404);
  });

  it.each([
    ['GET', '/models/auto'],
    ['GET', '/v1/models/auto'],
    ['POST', '/v1/models/auto:predict'],
    ['GET', '/v2/models/auto'],
    ['POST', '/v2/models/auto/infer'],
    ['POST', '/hf/models/auto'],
    ['POST', '/hf/models/auto/pipeline/feature-extraction'],
    ['POST', '/embed/auto'],
  ])('is no model to %s %s, which says where it is one answer', async (method, path) => {
    const body = method === 'POST' ? await picture(1, 2) : null;
    const answer = await here.app.request(path, { method, body });
    expect(answer.status).toBe(404);
    const said = await answer.text();
    expect(said).toContain('POST /classify/auto');
    expect(said).toMatch(/small (and|or) large/);
  });

  it('costs one picture of a quota, whichever networks looked at it', async () => {
    await emptyTables();
    const paying = await protectedService({}, { models: await networks({ auto: line() }) });
    const key = await addKey({ quota: 3 });
    const post = async (query: string, left: number) => {
      const init = { method: 'POST', body: await picture(left, 0), headers: bearer(key) };
      return (await paying.app.request(`/classify/auto${query}`, init)).status;
    };
    const used = async () => (await paying.usage(key)).images.used;
    expect([await post('', 255), await used()]).toEqual([200, 1]);
    expect([await post('', 26), await used()]).toEqual([200, 2]);
    expect([await post('?explain=occlusion', 254), await used()]).toEqual([200, 3]);
    expect([await post('', 27), await used()]).toEqual([429, 3]);
  });

  it('stands in the list of models, with what was measured', async () => {
    const { cascades, models } = (await (await here.app.request('/models')).json()) as {
      cascades: Record<string, Cascade>;
      models: unknown[];
    };
    expect([cascades, models.length]).toEqual([{ auto: line() }, 2]);
  });

  it('whose line is malformed is broken, and harms no other', async () => {
    const broken = await service({ auto: { first: 'small' } });
    expect((await broken.ask('/classify/auto', await picture(1, 2))).status).toBe(503);
    expect((await broken.ask('/classify/small', await picture(1, 2))).status).toBe(200);
    expect((await broken.app.request('/models')).status).toBe(200);
  });
});

describe('models/cascades.json', () => {
  it.each<[string, unknown, RegExp]>([
    ['a network that is not there', { auto: line({ second: 'gone' }) }, /"auto": there is no models\/gone/],
    ['one and the same network', { auto: line({ second: 'small' }) }, /both of its networks are "small"/],
    ['the name of a model', { large: line() }, /a model is called so/],
    ['a margin above 1', { auto: line({ margin: 2 }) }, /margin/],
    ['no figures', { auto: { first: 'small', second: 'large', margin: 0.1 } }, /measured/],
    ['a list', [], /cascades.json/],
  ])('is refused with %s', (_name, value, says) => {
    expect(() => checkedCascades(value, ['large', 'small'])).toThrow(says);
  });
});

describe('the margin', () => {
  it('is between the first two probabilities, at the temperature', () => {
    const output = Float32Array.of(Math.log(0.2), Math.log(0.7), Math.log(0.1));
    expect(marginOf(output, { kind: 'logits', temperature: 1 })).toBeCloseTo(0.5, 6);
    expect(marginOf(Float32Array.of(0.2, 0.7, 0.1), { kind: 'softmax', temperature: 1 })).toBeCloseTo(0.5, 6);
    expect(marginOf(Float32Array.of(0.4, 0.4), { kind: 'softmax', temperature: 1 })).toBe(0);
  });
});
