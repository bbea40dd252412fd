import tfjs from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../functions/app.ts';
import jpeg from '../../functions/image/jpeg/build/decoder.wasm';
import baseline from '../../functions/runtime/int8/build/baseline.wasm';
import relaxed from '../../functions/runtime/int8/build/relaxed.wasm';
import { memoryAssets, memoryModel } from './catalogue/model-folder.ts';

/** A 2x1 grey PNG, left 10, right 200; made with zlib by hand. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAAAAADRSSBWAAAAC0lEQVR4nGPgOgEAAN8A00shpUkAAAAASUVORK5CYII=';
const picture = Uint8Array.from(atob(PNG), (c) => c.charCodeAt(0));

async function service(ids: string[], memoryBytes = 100_000_000) {
  const models = new Map(await Promise.all(ids.map(async (id) => [id, await memoryModel(id)] as const)));
  const { assets, opened } = memoryAssets(models);
  const lines: Record<string, unknown>[] = [];
  const app = createApp({
    models: assets,
    page: null,
    modules: { tfjs, jpeg, int8: { baseline, relaxed } },
    memoryBytes,
    log: (line) => lines.push(line),
  });
  const classify = (id: string) => app.request(`/classify/${id}`, { method: 'POST', body: picture });
  return { app, models, opened, lines, classify };
}

describe('a model', () => {
  it('is loaded once, however many ask at once', async () => {
    const { classify, opened } = await service(['m']);
    const answers = await Promise.all(Array.from({ length: 20 }, () => classify('m')));
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({
        predictions: [
          { label: 'right', index: 1 },
          { label: 'left', index: 0 },
        ],
        model: { id: 'm', revision: 1 },
      });
    }
    expect(opened.get('m/w.bin')).toBe(1);
    expect(opened.get('m/manifest.json')).toBe(1);
  });

  it('leaves when another needs its memory, and comes back', async () => {
    const { classify, opened, models } = await service(['a', 'b']);
    // There is room for one, for pictures, and not for the other.
    for (const files of models.values()) patch(files, { memory: { weights: 4e7, arena: 1e6, total: 4.1e7 } });
    for (const id of ['a', 'b', 'a']) expect((await classify(id)).status, id).toBe(200);
    expect(opened.get('a/w.bin')).toBe(2);
  });

  it.each<[string, (files: Map<string, Uint8Array<ArrayBuffer>>) => void, RegExp]>([
    [
      'a flipped byte in its weights',
      (files) => {
        const w = files.get('w.bin');
        if (w) w[3] = (w[3] ?? 0) ^ 1;
      },
      /w\.bin is not the file/,
    ],
    ['short weights', (files) => files.set('w.bin', new Uint8Array(15)), /w\.bin ends after 15 of 16/],
    ['long weights', (files) => files.set('w.bin', new Uint8Array(17)), /w\.bin is longer than 16/],
    ['missing weights', (files) => files.delete('w.bin'), /w\.bin is missing/],
    ['no manifest', (files) => files.delete('manifest.json'), /manifest\.json is missing/],
    ['a manifest of another model', (files) => patch(files, { id: 'other' }), /says it is "other"/],
    ['a field that nobody knows', (files) => patch(files, { colour: 1 }), /manifest\.json is malformed.*colour/s],
    [
      'a crop larger than the picture',
      (files) =>
        patch(files, {
          input: {
            width: 2,
            height: 1,
            channels: 'grey',
            resize: { rule: 'shorter-side', size: 1, filter: 'area' },
            scale: [1],
            offset: [0],
          },
        }),
      /crop is larger/,
    ],
    ['labels for other classes', (files) => patch(files, { classes: 3 }), /2 labels for 3 classes/],
  ])('with %s is 503 by name, and others are served', async (_name, damage, says) => {
    const { classify, models } = await service(['good', 'bad']);
    const bad = models.get('bad');
    if (bad) damage(bad);
    const answer = await classify('bad');
    expect(answer.status).toBe(503);
    expect((await answer.json<{ detail: string }>()).detail).toMatch(says);
    expect((await classify('good')).status).toBe(200);
  });

  it('that can never fit is refused at once', async () => {
    const { classify } = await service(['m'], 900_000);
    const answer = await classify('m');
    expect(answer.status).toBe(503);
  });
});

describe('errors of ours', () => {
  it('say nothing of the inside, and stand in the log under the id', async () => {
    const { app, lines } = await service(['m']);
    app.get('/defect', () => {
      throw new Error('secret');
    });
    const answer = await app.request('/defect', { headers: { 'x-request-id': 'abc' } });
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('secret');
    expect(lines.at(-1)).toMatchObject({ requestId: 'abc', status: 500, error: expect.stringContaining('secret') });
  });
});

function patch(files: Map<string, Uint8Array<ArrayBuffer>>, fields: object): void {
  const manifest = JSON.parse(new TextDecoder().decode(files.get('manifest.json')));
  files.set(
    'manifest.json',
    new TextEncoder().encode(JSON.stringify({ ...manifest, ...fields })) as Uint8Array<ArrayBuffer>,
  );
}
