import { beforeAll, describe, expect, it } from 'vitest';
import { ServiceError } from '../../../functions/errors.ts';
import { PNG, picture, scoresOf, smallService } from './small-service.ts';

let service: Awaited<ReturnType<typeof smallService>>;
beforeAll(async () => {
  service = await smallService();
});
const [left, right] = scoresOf(10, 200);
const near = (value: number) => expect.closeTo(value, 6);
const both = [
  { label: 'right', score: near(right) },
  { label: 'left', score: near(left) },
];
const path = '/hf/models/m';

describe('a picture', () => {
  it.each<[string, BodyInit, Record<string, string>]>([
    ['as bytes', picture, { 'content-type': 'image/png' }],
    ['as bytes without a type', picture, {}],
    ['as JSON', JSON.stringify({ inputs: PNG }), { 'content-type': 'application/json' }],
    [
      'as JSON of a Python client',
      JSON.stringify({ inputs: PNG, parameters: { top_k: null } }),
      { 'content-type': 'application/json' },
    ],
    ['as JSON without a type', new TextEncoder().encode(JSON.stringify({ inputs: PNG })), {}],
    [
      'as a data URL',
      JSON.stringify({ inputs: `data:image/png;base64,${PNG}` }),
      { 'content-type': 'application/json' },
    ],
  ])('%s', async (_name, body, headers) => {
    const answer = await service.post(path, body, headers);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await answer.json()).toEqual(both);
  });

  it('takes its parameters from the query, or beside it', async () => {
    expect(await (await service.post(`${path}?top_k=1`, picture)).json()).toEqual(both.slice(0, 1));
    const { json } = await service.postJson(path, { inputs: PNG, parameters: { top_k: 1 } });
    expect(json).toEqual(both.slice(0, 1));
  });

  it.each<[string, number, number]>([
    ['softmax', left, right],
    ['none', 0.1, 2],
    ['sigmoid', 1 / (1 + Math.exp(-0.1)), 1 / (1 + Math.exp(-2))],
  ])('with function_to_apply=%s', async (apply, atLeft, atRight) => {
    const answer = await service.post(`${path}?function_to_apply=${apply}`, picture);
    expect(await answer.json()).toEqual([
      { label: 'right', score: near(atRight) },
      { label: 'left', score: near(atLeft) },
    ]);
  });

  it('of a network that ends in softmax has no sigmoid', async () => {
    const answer = await service.post('/hf/models/ends-in-softmax?function_to_apply=sigmoid', picture);
    expect([answer.status, await answer.json()]).toEqual([400, { error: expect.stringContaining('sigmoid') }]);
  });
});

describe('what cannot be answered', () => {
  it.each<[string, string, BodyInit, number, RegExp]>([
    ['an unknown model', '/hf/models/half', picture, 404, /no model "half"/],
    ['text', path, 'hello', 415, /picture/],
    ['nothing', path, '', 400, /no image/],
    ['JSON without inputs', path, '{"image":"AAAA"}', 400, /#\/inputs/],
    ['a wrong parameter', path, '{"inputs":"AAAA","parameters":{"top_k":0}}', 400, /#\/parameters\/top_k/],
    ['a wrong query', `${path}?top_k=x`, picture, 400, /#\/top_k/],
    ['a parameter twice', `${path}?top_k=1&top_k=2`, picture, 400, /twice/],
    ['a broken model', '/hf/models/broken', picture, 502, /cannot be loaded/],
  ])('%s', async (_name, address, body, status, says) => {
    const answer = await service.post(address, typeof body === 'string' ? new TextEncoder().encode(body) : body);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toEqual({ error: expect.stringMatching(says) });
  });

  it('is 429 while busy, never 503: its client would repeat at once and for ever', async () => {
    const busy = await smallService(() => new ServiceError('busy', 'Busy.', 'Wait.', { retryAfterSeconds: 5 }));
    const answer = await busy.post(path, picture);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '5']);
    expect((await busy.postJson('/v1/models/m:predict', { instances: [{ b64: PNG }] })).status).toBe(503);
    expect((await busy.post('/classify/m', picture)).status).toBe(503);
  });

  it('says nothing of the inside where the fault is ours', async () => {
    const defect = await smallService(() => new Error('secret'));
    for (const address of [path, '/classify/m']) {
      const answer = await defect.post(address, picture);
      expect([answer.status, (await answer.text()).includes('secret')]).toEqual([500, false]);
    }
  });
});
