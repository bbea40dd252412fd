import { beforeAll, describe, expect, it } from 'vitest';
import { ServiceError } from '../../../functions/errors.ts';
import { PNG, picture, scoresOf, smallService } from './small-service.ts';

let service: Awaited<ReturnType<typeof smallService>>;
beforeAll(async () => {
  service = await smallService();
});
const [left, right] = scoresOf(10, 200);
const predictions = [
  { label: 'right', index: 1, score: expect.closeTo(right, 6) },
  { label: 'left', index: 0, score: expect.closeTo(left, 6) },
];
const model = { id: 'm', version: '0'.repeat(64), revision: 7 };

const nothingMeasured = { near_tie: null, unknown: null };

describe('one picture', () => {
  it('is answered with the temperature applied, and the version that spoke', async () => {
    expect(await (await service.post('/classify/m', picture)).json()).toEqual({
      predictions,
      model,
      ...nothingMeasured,
    });
  });

  it('keeps the labels that are asked for', async () => {
    const of = async (query: string) =>
      (await (await service.post(`/classify/m?${query}`, picture)).json<{ predictions: unknown }>()).predictions;
    expect(await of('labels=left')).toEqual(predictions.slice(1));
    expect(await of('labels=left&labels=right&top_k=1')).toEqual(predictions.slice(0, 1));
    expect(await of('labels=left&min_score=0.5')).toEqual([]);
    const { json } = await service.postJson('/classify/m', { image: PNG, labels: ['left', 'left'] });
    expect(json.predictions).toEqual(predictions.slice(1));
  });

  it('is refused with a label that the model has not, by name', async () => {
    const { status, json } = await service.postJson('/classify/m', { image: PNG, labels: ['left', 'up'] });
    expect([status, json.detail]).toEqual([400, expect.stringContaining('"up"')]);
    expect(json.errors).toEqual([{ pointer: '#/labels', detail: expect.any(String) }]);
  });
});

describe('what a model has not', () => {
  it.each<[string, object, number, string]>([
    ['rollup=1', { rollup: true }, 422, '/problems#option-unavailable'],
    ['within=dog', { within: 'dog' }, 422, '/problems#option-unavailable'],
    ['reject_unknown=true', { reject_unknown: 1 }, 422, '/problems#option-unavailable'],
    ['coverage=0.95', { coverage: 0.95 }, 422, '/problems#option-unavailable'],
  ])('is refused: %s', async (query, beside, status, type) => {
    const asked = await service.post(`/classify/m?${query}`, picture);
    expect([asked.status, (await asked.json<{ type: string }>()).type]).toEqual([status, type]);
    const { status: its, json } = await service.postJson('/classify/m', { image: PNG, ...beside });
    expect([its, json.type]).toEqual([status, type]);
  });

  it.each([
    'rollup=yes',
    'rollup=',
    'reject_unknown=2',
    'coverage=0.4',
    'coverage=1',
    'coverage=NaN',
    'within=',
    `within=${'x'.repeat(10_000)}`,
    'rollup=1&rollup=0',
  ])('and so is what is no such option: %s', async (query) => {
    expect((await service.post(`/classify/m?${query}`, picture)).status).toBe(400);
  });

  it.each([
    { rollup: 'yes' },
    { rollup: 2 },
    { within: 7 },
    { within: ['dog'] },
    { coverage: '0.95' },
    { coverage: 2 },
  ])('beside a picture too: %j', async (options) => {
    expect((await service.postJson('/classify/m', { image: PNG, ...options })).status).toBe(400);
  });

  it('but rollup=0 asks for nothing', async () => {
    expect((await service.post('/classify/m?rollup=0&reject_unknown=false', picture)).status).toBe(200);
  });
});

describe('several pictures', () => {
  it('are answered each for itself, in their order', async () => {
    const { status, json } = await service.postJson('/classify/m', { images: [PNG, 'AAAA', PNG, '%'], top_k: 1 });
    expect(status).toBe(200);
    const refused = (its: number, type: string) => ({
      status: its,
      error: { type: `/problems#${type}`, title: expect.any(String), detail: expect.any(String) },
    });
    const answered = { status: 200, predictions: predictions.slice(0, 1), ...nothingMeasured };
    expect(json).toEqual({
      results: [answered, refused(415, 'image-unsupported'), answered, refused(400, 'bad-base64')],
      model,
    });
  });

  it('come in a form as well', async () => {
    const form = new FormData();
    for (let i = 0; i < 3; i++) form.append('images', new Blob([picture]), `${i}.png`);
    const answer = await service.app.request('/classify/m', { method: 'POST', body: form });
    const { results } = await answer.json<{ results: { status: number }[] }>();
    expect(results.map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it('have a status each when the service is busy, and are refused whole where the fault is common', async () => {
    const busy = await smallService(() => new ServiceError('busy', 'Busy.', 'Wait.'));
    expect((await busy.postJson('/classify/m', { images: [PNG] })).json.results).toMatchObject([{ status: 503 }]);
    const images = [PNG, PNG];
    expect((await service.postJson('/classify/half', { images })).status).toBe(404);
    expect((await service.postJson('/classify/m', { images, labels: ['up'] })).status).toBe(400);
    const { status, json } = await service.postJson('/classify/m', { images, explain: 'occlusion' });
    expect([status, json.errors]).toEqual([400, [{ pointer: '#/explain', detail: expect.any(String) }]]);
    const defect = await smallService(() => new Error('secret'));
    expect((await defect.postJson('/classify/m', { images })).status).toBe(500);
  });
});
