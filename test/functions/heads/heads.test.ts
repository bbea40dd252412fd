import tfjs from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm';
import { beforeEach, describe, expect, it } from 'vitest';
import { createApp } from '../../../functions/app.ts';
import { additionSchema, type HeadDescription, headSchema } from '../../../functions/heads/head.ts';
import { fitted, lossesOf, noLosses, softmax } from '../../../functions/heads/temperature.ts';
import { added, cosine, directionOf, fromBase64, toBase64, unitOf } from '../../../functions/heads/vectors.ts';
import jpeg from '../../../functions/image/jpeg/build/decoder.wasm';
import baseline from '../../../functions/runtime/int8/build/baseline.wasm';
import relaxed from '../../../functions/runtime/int8/build/relaxed.wasm';
import { addKey, bearer, emptyTables, protectedService } from '../access/protected-service.ts';
import { json, memoryAssets, memoryModel } from '../catalogue/model-folder.ts';
import { pooledModel } from '../classify/pooled-model.ts';
import { pngFile } from '../image/png-file.ts';
import { HEIGHT, WIDTH } from '../runtime/int8/pooled-network.ts';

const models = async () => {
  const other = await pooledModel('other');
  const manifest = JSON.parse(new TextDecoder().decode(other.get('manifest.json')));
  return new Map([
    ['pooled', await pooledModel('pooled')],
    ['other', other.set('manifest.json', json({ ...manifest, version: '2'.repeat(64) }))],
    ['left-right', await memoryModel('left-right')],
  ]);
};

async function service(folders?: Awaited<ReturnType<typeof models>>) {
  const database = await emptyTables();
  const app = createApp({
    models: memoryAssets(folders ?? (await models())).assets,
    page: null,
    modules: { tfjs, jpeg, int8: { baseline, relaxed } },
    memoryBytes: 100_000_000,
    heads: { database },
    log: () => {},
  });
  const call = async (method: string, path: string, body?: BodyInit, type?: string) => {
    const headers: Record<string, string> = type ? { 'content-type': type } : {};
    const answer = await app.request(path, { method, ...(body !== undefined && { body }), headers });
    const text = await answer.text();
    // biome-ignore lint/suspicious/noExplicitAny: each test knows the form that it expects
    return { status: answer.status, json: (text === '' ? null : JSON.parse(text)) as any };
  };
  return { call, database, app };
}

/** Grey, a little brighter or darker from pixel to pixel. */
function picture(value: number, step = 0): Promise<Uint8Array<ArrayBuffer>> {
  const row = [0, ...Array.from({ length: WIDTH }, (_, x) => (value + x * step) & 255)];
  return pngFile({ width: WIDTH, height: HEIGHT, rows: Array(HEIGHT).fill(row).flat() }) as Promise<
    Uint8Array<ArrayBuffer>
  >;
}
async function form(...values: (number | 'bad')[]): Promise<FormData> {
  const body = new FormData();
  for (const value of values) {
    body.append('images', new Blob([value === 'bad' ? new Uint8Array([1, 2, 3]) : await picture(value)]));
  }
  return body;
}
const base = JSON.stringify({ base: 'pooled' });

let here: Awaited<ReturnType<typeof service>>;
let call: (typeof here)['call'];
beforeEach(async () => {
  here = await service();
  call = here.call;
});
const classesOf = (head: HeadDescription) => head.classes.map(({ label, images }) => [label, images]);

describe('a head', () => {
  it('is made, learns, tells apart what it was shown, and goes', async () => {
    const made = await call('PUT', '/heads/shelf', base);
    expect(headSchema.parse(made.json)).toMatchObject({
      id: 'shelf',
      classes: [],
      base: { id: 'pooled', revision: 1 },
    });
    const light = await call('POST', '/heads/shelf/classes/light', await form(250, 240, 230));
    expect(additionSchema.parse(light.json)).toMatchObject({ added: 3, results: [{ status: 200 }, {}, {}] });
    await call('POST', '/heads/shelf/classes/dark%20side', await form(0, 10));
    const { json: head } = await call('GET', '/heads/shelf');
    expect(classesOf(headSchema.parse(head))).toEqual([
      ['dark side', 2],
      ['light', 3],
    ]);
    const answer = await call('POST', '/classify/pooled?head=shelf', await picture(220));
    expect(answer.json).toMatchObject({
      predictions: [{ label: 'light', index: 1 }, { label: 'dark side' }],
      model: { id: 'pooled', version: '1'.repeat(64) },
      head: { id: 'shelf', version: head.version },
    });
    const [first, second] = answer.json.predictions;
    expect(first.score + second.score).toBeCloseTo(1, 6);
    const several = await call('POST', '/classify/pooled?head=shelf&top_k=1', await form(20, 'bad', 225));
    expect(several.json.results).toMatchObject([
      { status: 200, predictions: [{ label: 'dark side' }] },
      { status: 415 },
      { status: 200, predictions: [{ label: 'light' }] },
    ]);
    expect((await call('GET', '/heads')).json).toEqual({
      heads: [{ id: 'shelf', base: 'pooled', classes: 2, images: 5 }],
    });
    expect((await call('DELETE', '/heads/shelf/classes/light')).json.classes).toEqual([
      { label: 'dark side', images: 2 },
    ]);
    expect((await call('DELETE', '/heads/shelf')).status).toBe(204);
    expect((await call('GET', '/heads/shelf')).status).toBe(404);
    expect((await call('POST', '/classify/pooled?head=shelf', await picture(0))).status).toBe(404);
    const { results } = await here.database.prepare('SELECT label FROM head_classes').all();
    expect(results).toEqual([]);
  });

  it('has the same version for the same content, whatever the order, and another after a change', async () => {
    const versionAfter = async (id: string, ...lots: number[][]) => {
      await call('PUT', `/heads/${id}`, base);
      for (const lot of lots) await call('POST', `/heads/${id}/classes/a`, await form(...lot));
      return (await call('GET', `/heads/${id}`)).json.version as string;
    };
    const one = await versionAfter('one', [250, 240], [10]);
    expect(await versionAfter('two', [10], [240], [250])).toBe(one);
    expect(await versionAfter('three', [10], [240])).not.toBe(one);
  });

  it('is found as it is when it is made again, but is of one base alone', async () => {
    await call('PUT', '/heads/shelf', base);
    await call('POST', '/heads/shelf/classes/light', await picture(250));
    expect((await call('PUT', '/heads/shelf', base)).json.classes).toEqual([{ label: 'light', images: 1 }]);
    const other = await call('PUT', '/heads/shelf', JSON.stringify({ base: 'other' }));
    expect([other.status, other.json.type]).toEqual([409, '/problems#head-conflict']);
    const asked = await call('POST', '/classify/other?head=shelf', await picture(250));
    expect([asked.status, asked.json.detail]).toEqual([409, expect.stringContaining('is of "pooled", not of "other"')]);
  });

  it('adds the good of several pictures together, and says of the bad ones what is wrong', async () => {
    await call('PUT', '/heads/shelf', base);
    const mixed = await call('POST', '/heads/shelf/classes/light', await form(250, 'bad', 240));
    expect(mixed.json).toMatchObject({
      added: 2,
      results: [{ status: 200 }, { status: 415, error: { type: '/problems#image-unsupported' } }, { status: 200 }],
    });
    const bad = await call('POST', '/heads/shelf/classes/new', await form('bad', 'bad'));
    expect([bad.status, bad.json.added, classesOf(bad.json.head)]).toEqual([200, 0, [['light', 2]]]);
    expect((await call('POST', '/heads/shelf/classes/new', new Uint8Array([1, 2, 3]))).status).toBe(415);
  });

  it('loses nothing of what is added at once', async () => {
    await call('PUT', '/heads/shelf', base);
    const lots = await Promise.all(
      Array.from({ length: 8 }, async (_, n) =>
        call('POST', `/heads/shelf/classes/c${n % 2}`, await form(n, 10 * n, 5)),
      ),
    );
    expect(lots.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect(classesOf((await call('GET', '/heads/shelf')).json)).toEqual([
      ['c0', 12],
      ['c1', 12],
    ]);
    const alone = await service();
    await alone.call('PUT', '/heads/shelf', base);
    for (let n = 0; n < 8; n++) await alone.call('POST', `/heads/shelf/classes/c${n % 2}`, await form(n, 10 * n, 5));
    expect(classesOf((await alone.call('GET', '/heads/shelf')).json)).toEqual([
      ['c0', 12],
      ['c1', 12],
    ]);
  });

  it('answers whole, or says that it is gone, while it is deleted', async () => {
    await call('PUT', '/heads/shelf', base);
    await call('POST', '/heads/shelf/classes/light', await form(250, 240));
    const png = await picture(250);
    const asked = Array.from({ length: 6 }, () => call('POST', '/classify/pooled?head=shelf', png));
    const answers = await Promise.all([
      ...asked,
      call('DELETE', '/heads/shelf'),
      call('POST', '/heads/shelf/classes/x', png),
    ]);
    for (const { status } of answers) expect([200, 204, 404]).toContain(status);
    expect(await here.database.prepare('SELECT count(*) AS n FROM head_classes').first('n')).toBe(0);
  });
});

describe('what is refused', () => {
  beforeEach(async () => {
    await call('PUT', '/heads/shelf', base);
  });

  it.each<[string, string, string, string | undefined, number, RegExp]>([
    ['a wrong id', 'PUT', '/heads/My%20Shelf', base, 400, /called 1 to 63/],
    ['an id of 64', 'PUT', `/heads/${'a'.repeat(64)}`, base, 400, /called 1 to 63/],
    ['no base', 'PUT', '/heads/new', '{}', 400, /base/],
    ['another field', 'PUT', '/heads/new', '{"base":"pooled","dims":3}', 400, /dims/],
    ['no JSON', 'PUT', '/heads/new', 'pooled', 400, /JSON/],
    ['a base that is not there', 'PUT', '/heads/new', '{"base":"gone"}', 404, /no model/],
    ['a base without embeddings', 'PUT', '/heads/new', '{"base":"left-right"}', 422, /These have one: other, pooled/],
    ['an unknown head', 'GET', '/heads/nothing', undefined, 404, /no head/],
    ['pictures for an unknown head', 'POST', '/heads/nothing/classes/a', 'x', 404, /no head/],
    ['an empty label', 'POST', '/heads/shelf/classes/%20', 'x', 400, /space/],
    ['a label of 10,000', 'POST', `/heads/shelf/classes/${'a'.repeat(10_000)}`, 'x', 400, /at most 100/],
    ['a label with a line break', 'POST', '/heads/shelf/classes/a%0Ab', 'x', 400, /control/],
    ['no picture', 'POST', '/heads/shelf/classes/a', '', 400, /no image/],
    ['a class that is not there', 'DELETE', '/heads/shelf/classes/a', undefined, 404, /no class/],
    ['a head that is not there', 'DELETE', '/heads/nothing', undefined, 404, /no head/],
    ['another method', 'POST', '/heads/shelf', '{}', 405, /PUT or GET or HEAD or DELETE/],
    ['no such name of a head', 'POST', '/classify/pooled?head=My%20Shelf', 'x', 400, /head/],
    ['an explanation by a head', 'POST', '/classify/pooled?head=shelf&explain=cam', 'x', 400, /no explain/],
  ])('%s', async (_name, method, path, body, status, says) => {
    const answer = await call(method, path, body);
    expect([answer.status, JSON.stringify(answer.json)]).toEqual([status, expect.stringMatching(says)]);
  });

  it('51 pictures, where 50 are taken', async () => {
    expect((await call('POST', '/heads/shelf/classes/a', await form(...Array(51).fill(9)))).status).toBe(400);
    const images = Array(51).fill('AAAA');
    const type = 'application/json';
    expect((await call('POST', '/heads/shelf/classes/a', JSON.stringify({ images }), type)).status).toBe(400);
    const most = await call('POST', '/heads/shelf/classes/a', await form(...Array(50).fill(9)));
    expect(most.json.added).toBe(50);
  });

  it('a picture for a head that has no classes yet', async () => {
    const answer = await call('POST', '/classify/pooled?head=shelf', await picture(9));
    expect([answer.status, answer.json.detail]).toEqual([409, expect.stringContaining('has no classes yet')]);
  });

  it('a picture for a head whose base is gone, or has become another network', async () => {
    await call('POST', '/heads/shelf/classes/a', await form(9, 10));
    const png = await picture(9);
    for (const [version, revision, status] of [
      ['3', 2, 404],
      ['3', 1, 409],
    ] as const) {
      const folders = await models();
      const files = folders.get('pooled');
      const manifest = JSON.parse(new TextDecoder().decode(files?.get('manifest.json')));
      files?.set('manifest.json', json({ ...manifest, version: version.repeat(64), revision }));
      const app = createApp({
        models: memoryAssets(folders).assets,
        page: null,
        modules: { tfjs, jpeg, int8: { baseline, relaxed } },
        memoryBytes: 100_000_000,
        heads: { database: here.database },
        log: () => {},
      });
      const answer = await app.request('/classify/pooled?head=shelf', { method: 'POST', body: png });
      expect(answer.status).toBe(status);
    }
  });
});

describe('heads of others', () => {
  it('are not there', async () => {
    await emptyTables();
    const database = (await service()).database;
    const [mine, theirs] = [await addKey(), await addKey()];
    const { app } = await protectedService({}, { models: memoryAssets(await models()).assets, heads: { database } });
    const put = await app.request('/heads/shelf', { method: 'PUT', body: base, headers: bearer(mine) });
    expect(put.status).toBe(200);
    expect((await app.request('/heads/shelf', { headers: bearer(theirs) })).status).toBe(404);
    expect(await (await app.request('/heads', { headers: bearer(theirs) })).json()).toEqual({ heads: [] });
    expect((await app.request('/heads')).status).toBe(401);
  });
});

describe('the numbers', () => {
  it('are brought to one length, added, and turned to a direction', () => {
    expect([...unitOf(Float32Array.of(3, 4))]).toEqual([19_660, 26_214]);
    expect([...unitOf(Float32Array.of(0, 0))]).toEqual([0, 0]);
    const sum = added(Int32Array.of(5, -10), Int32Array.of(1, 2));
    expect([...sum, ...added(sum, Int32Array.of(1, 2), -1)]).toEqual([6, -8, 5, -10]);
    expect([...directionOf(Int32Array.of(1000, -500))]).toEqual([127, -63]);
    expect(cosine([1, 0], [1, 1])).toBeCloseTo(Math.SQRT1_2, 12);
    expect(cosine([0, 0], [1, 1])).toBe(0);
    expect([...new Int32Array(fromBase64(toBase64(Int32Array.of(1, -2))))]).toEqual([1, -2]);
  });

  it('have the temperature that would have lost least', () => {
    expect(softmax([0.9, 0.8], 0.1)[0]).toBeCloseTo(1 / (1 + Math.exp(-1)), 9);
    const sure = lossesOf([0.9, 0.5], 0);
    expect(fitted(sure)).toBe(0.01);
    const wrong = lossesOf([0.5, 0.9], 0);
    expect(fitted(wrong)).toBe(0.24);
    expect(fitted(noLosses())).toBe(0.04);
    // Right three times of four at a distance of 0.1: ln 3 = 0.1 / T, so T = 0.091; 0.08 of the grid loses less than 0.12.
    const mixed = lossesOf([0.6, 0.5], 0).map((loss, t) => 3 * loss + (lossesOf([0.5, 0.6], 0)[t] ?? 0));
    expect(fitted(mixed)).toBe(0.08);
  });
});
