import tfjs from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../../functions/app.ts';
import type { Manifest } from '../../../functions/catalogue/manifest.ts';
import { type Answer, answerSchema } from '../../../functions/classify/answer.ts';
import { evidence, gridSide } from '../../../functions/classify/occlusion.ts';
import { probabilities } from '../../../functions/classify/scores.ts';
import jpeg from '../../../functions/image/jpeg/build/decoder.wasm';
import baseline from '../../../functions/runtime/int8/build/baseline.wasm';
import relaxed from '../../../functions/runtime/int8/build/relaxed.wasm';
import { memoryAssets, memoryModel } from '../catalogue/model-folder.ts';
import { type PngParts, pngFile } from '../image/png-file.ts';
import { pooledModel } from './pooled-model.ts';

/** A service of two models: `pooled` has class activation maps, `left-right` has none. */
async function service() {
  const models = new Map([
    ['pooled', await pooledModel('pooled')],
    ['left-right', await memoryModel('left-right')],
  ]);
  const app = createApp({
    models: memoryAssets(models).assets,
    page: null,
    modules: { tfjs, jpeg, int8: { baseline, relaxed } },
    memoryBytes: 100_000_000,
    log: () => {},
  });
  const ask = (id: string, query: string, body: Uint8Array | string, type = 'image/png') =>
    app.request(`/classify/${id}${query}`, { method: 'POST', body, headers: { 'content-type': type } });
  return Object.assign(ask, { models: () => app.request('/models') });
}

/** Black, with a bright rectangle. */
function picture(
  width: number,
  height: number,
  box: { left: number; top: number; right: number; bottom: number },
  before: PngParts['before'] = [],
) {
  const rows: number[] = [];
  for (let y = 0; y < height; y++) {
    rows.push(0);
    for (let x = 0; x < width; x++) {
      rows.push(x >= box.left && x < box.right && y >= box.top && y < box.bottom ? 255 : 0);
    }
  }
  return pngFile({ width, height, rows, before });
}

async function answered(response: Response): Promise<Answer & Required<Pick<Answer, 'explanation'>>> {
  expect(response.status).toBe(200);
  const answer = answerSchema.parse(await response.json());
  if (!answer.explanation) throw new Error('no explanation');
  return { ...answer, explanation: answer.explanation };
}

const bright = await picture(600, 400, { left: 400, top: 40, right: 500, bottom: 140 });

describe('?explain=cam', () => {
  it('says where the first class is seen, in pixels of the picture, as a PNG in its proportions', async () => {
    const ask = await service();
    const { explanation, predictions } = await answered(await ask('pooled', '?explain=cam&top_k=1', bright));
    expect(explanation.method).toBe('cam');
    expect(explanation.class).toEqual(predictions[0]);
    expect(explanation.class.label).toBe('bright');
    expect(explanation.picture).toEqual({ width: 600, height: 400 });
    const { x, y } = explanation.hottest;
    expect(x >= 380 && x < 520 && y >= 20 && y < 160, `${x} ${y}`).toBe(true);
    const { image } = explanation;
    expect(image.width / image.height).toBeCloseTo(1.5, 2);
    const png = Uint8Array.from(atob(image.png), (c) => c.charCodeAt(0));
    const header = new DataView(png.buffer);
    expect([header.getUint32(16), header.getUint32(20)]).toEqual([image.width, image.height]);
    expect(png.length).toBeLessThan(20_000);
  });

  it('speaks of the picture as Exif turns it', async () => {
    const ask = await service();
    // TIFF header, one entry: tag 0x0112, SHORT, one value: 6, to be turned a quarter clockwise.
    const exif = [...'MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0'].map((c) => c.charCodeAt(0));
    // Stored at the upper right, seen at the lower right.
    const stored = await picture(60, 40, { left: 50, top: 0, right: 60, bottom: 10 }, [['eXIf', exif]]);
    const { explanation } = await answered(await ask('pooled', '?explain=cam', stored));
    expect(explanation.picture).toEqual({ width: 40, height: 60 });
    expect(explanation.image.height / explanation.image.width).toBeCloseTo(1.5, 2);
    const { x, y } = explanation.hottest;
    expect(x > 25 && y > 45, `${x} ${y}`).toBe(true);
  });

  it('is offered in the list of models', async () => {
    const { models } = (await (await (await service()).models()).json()) as { models: Record<string, unknown>[] };
    expect(models.map(({ id, explanation, macs }) => [id, explanation, macs])).toEqual([
      ['left-right', 'occlusion', undefined],
      ['pooled', 'cam', 216],
    ]);
  });

  it('is about the first class though none is asked for', async () => {
    const ask = await service();
    const { explanation, predictions } = await answered(await ask('pooled', '?explain=cam&min_score=1', bright));
    expect(predictions).toEqual([]);
    expect(explanation.class.label).toBe('bright');
  });

  it('takes the option beside an image in JSON', async () => {
    const ask = await service();
    const image = btoa(String.fromCharCode(...(await picture(60, 40, { left: 0, top: 0, right: 10, bottom: 10 }))));
    const body = JSON.stringify({ image, explain: 'cam' });
    const { explanation } = await answered(await ask('pooled', '', body, 'application/json'));
    expect(explanation.hottest.x).toBeLessThan(20);
    expect(explanation.hottest.y).toBeLessThan(20);
  });

  it('says of a network that cannot what can be asked instead', async () => {
    const ask = await service();
    const response = await ask('left-right', '?explain=cam', bright);
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({
      type: '/problems#explanation-unavailable',
      detail: expect.stringMatching(/"left-right" has no class activation map.*explain=occlusion/),
    });
  });

  it('refuses other methods', async () => {
    const ask = await service();
    const response = await ask('pooled', '?explain=lime', bright);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ detail: expect.stringMatching(/explain.*cam or occlusion/) });
  });

  it('leaves the answer as it is without', async () => {
    const ask = await service();
    const plain = (await (await ask('pooled', '', bright)).json()) as Answer;
    expect(plain).not.toHaveProperty('explanation');
    const { explanation: _, ...rest } = await answered(await ask('pooled', '?explain=cam', bright));
    expect(rest).toEqual(plain);
  });
});

describe('?explain=occlusion', () => {
  it('finds the bright part, which the first class is made of', async () => {
    const ask = await service();
    const { explanation } = await answered(await ask('pooled', '?explain=occlusion', bright));
    expect(explanation.method).toBe('occlusion');
    const { x, y } = explanation.hottest;
    expect(x >= 300 && y <= 200, `${x} ${y}`).toBe(true);
  });

  it('works for a TF.js model that has no class activation map', async () => {
    const ask = await service();
    // Of its two pixels the left one sees a third of the light that the right one sees.
    const light = await picture(600, 400, { left: 200, top: 0, right: 600, bottom: 400 });
    const { explanation } = await answered(await ask('left-right', '?explain=occlusion', light));
    expect(explanation.class.label).toBe('right');
    expect(explanation.hottest).toEqual({ x: 450, y: 200 });
  });
});

describe('the grid of an occlusion', () => {
  const input = {
    ...{ width: 224, height: 224, channels: 'rgb', scale: [1], offset: [0] },
    resize: { rule: 'stretch', width: 224, height: 224, filter: 'bilinear' },
  } as const;
  const manifest = (macs: number | undefined, parameters: number, runtime: 'int8' | 'tfjs') =>
    ({ id: 'm', runtime, input, parameters, macs }) as unknown as Manifest;

  it.each([
    ['a small network', 3e8, 3_500_000, 7],
    ['ResNet-50', 4.1e9, 25_557_032, 6],
    ['VGG16', 15.5e9, 138_357_544, 3],
  ])('is bounded by the multiplications of %s', (_, macs, parameters, side) => {
    expect(gridSide(manifest(macs, parameters, 'int8'))).toBe(side);
    expect((side * side + 1) * macs).toBeLessThanOrEqual(2e11);
  });

  it('is bounded where a manifest does not say how many there are', () => {
    expect(gridSide(manifest(undefined, 3_500_000, 'int8'))).toBe(7);
    expect(gridSide(manifest(undefined, 25_557_032, 'int8'))).toBe(6);
    expect(() => gridSide(manifest(undefined, 25_557_032, 'tfjs'))).toThrow(/too large to be asked 10 times/);
    expect(() => gridSide(manifest(2.1e10, 1, 'int8'))).toThrow(/Ask without explain/);
  });

  it('measures a class against the others by logits, whatever the softmax made of them', () => {
    const of = (logits: number[]) => probabilities(Float32Array.from(logits), 'logits', 1);
    expect(evidence(of([4, 1, 1]), 0)).toBeCloseTo(2, 4);
    // Where the softmax is 1 to the last digit of float32, a lower logit still shows.
    expect(evidence(of([30, 0, 0]), 0) - evidence(of([24, 0, 0]), 0)).toBeCloseTo(4, 3);
  });
});
