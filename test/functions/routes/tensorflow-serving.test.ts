import { beforeAll, describe, expect, it } from 'vitest';
import { metadataSchema, statusSchema } from '../../../functions/routes/tensorflow-serving/schema.ts';
import { PNG, scoresOf, smallService } from './small-service.ts';

let service: Awaited<ReturnType<typeof smallService>>;
beforeAll(async () => {
  service = await smallService();
});

const b64 = { b64: PNG };
const [left, right] = scoresOf(10, 200);
const near = (value: number) => expect.closeTo(value, 6);

describe('what is served', () => {
  it.each([
    '/v1/models/m',
    '/v1/models/m/versions/7',
    '/v1/models/m/labels/stable',
    '/V1/Models/m',
    '/v1/models/m/versions/007',
  ])('%s has a version in text', async (path) => {
    const answer = await service.get(path);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await answer.json()).toEqual({
      model_version_status: [{ version: '7', state: 'AVAILABLE', status: { error_code: 'OK', error_message: '' } }],
    });
  });

  it('says in its metadata what it takes', async () => {
    const metadata = metadataSchema.parse(await (await service.get('/v1/models/m/versions/7/metadata')).json());
    expect(metadata.model_spec).toEqual({ name: 'm', signature_name: '', version: '7' });
    const { serving_default: signature } = metadata.metadata.signature_def.signature_def;
    expect(signature?.inputs.input?.dtype).toBe('DT_FLOAT');
    expect(signature?.inputs.input?.tensor_shape.dim.map(({ size }) => size)).toEqual(['-1', '1', '2', '1']);
    expect(statusSchema.safeParse({}).success).toBe(false);
  });

  it.each([
    ['/v1/models/half', 404, 'Servable not found for request: Latest(half)'],
    ['/v1/models/m/versions/8', 404, 'Servable not found for request: Specific(m, 8)'],
    ['/v1/models/m/labels/canary', 400, 'Unrecognized servable version label: canary'],
    ['/v1/models/m/versions/x', 400, 'Malformed request: GET /v1/models/m/versions/x'],
    ['/v1/models/m:predict', 400, 'Malformed request: GET /v1/models/m:predict'],
    ['/v1/models', 400, 'Malformed request: GET /v1/models'],
    ['/v1/models/broken', 503, 'cannot be loaded'],
    ['/v1', 400, 'Malformed request: GET /v1'],
  ])('GET %s is %i', async (path, status, says) => {
    const answer = await service.get(path);
    expect(answer.status).toBe(status);
    expect(Object.keys(await answer.clone().json<object>())).toEqual(['error']);
    expect((await answer.json<{ error: string }>()).error).toContain(says);
  });
});

describe(':predict', () => {
  const predict = (body: unknown, path = '/v1/models/m:predict') => service.postJson(path, body);

  it.each<[string, object, string]>([
    ['pictures in rows', { instances: [b64, b64] }, 'predictions'],
    ['pictures by name', { instances: [{ image_bytes: b64 }, { input: b64 }] }, 'predictions'],
    ['tensors in rows', { instances: [[[[10 / 255], [200 / 255]]], [[[10 / 255], [200 / 255]]]] }, 'predictions'],
    ['pictures in a column', { inputs: [b64, b64] }, 'outputs'],
    ['a named column', { inputs: { image_bytes: [b64, b64] } }, 'outputs'],
    ['a named column of tensors', { inputs: { input: Array(2).fill([[[10 / 255], [200 / 255]]]) } }, 'outputs'],
    ['a signature', { signature_name: 'serving_default', instances: [b64, b64] }, 'predictions'],
    ['fields of others', { instances: [b64, b64], comment: 'x' }, 'predictions'],
  ])('takes %s', async (_name, body, key) => {
    const { status, json } = await predict(body);
    expect(status, JSON.stringify(json)).toBe(200);
    expect(json).toEqual({
      [key]: [
        [near(left), near(right)],
        [near(left), near(right)],
      ],
    });
  });

  it('answers at a version, at a label, and where a client escapes the colon', async () => {
    for (const path of [
      '/v1/models/m/versions/7:predict',
      '/v1/models/m/labels/stable:predict',
      '/v1/models/m%3Apredict',
    ]) {
      expect((await predict({ instances: [b64] }, path)).status, path).toBe(200);
    }
    expect((await predict({ instances: [b64] }, '/v1/models/m/versions/6:predict')).status).toBe(404);
  });

  it.each<[string, object, RegExp]>([
    ['both forms', { instances: [b64], inputs: [b64] }, /Both 'inputs' and 'instances'/],
    ['neither form', {}, /Missing 'inputs' or 'instances' key/],
    ['another signature', { signature_name: 'x', instances: [b64] }, /"x" not found in signature def/],
    ['a signature that is no text', { signature_name: 100, instances: [b64] }, /#\/signature_name/],
    ['an empty batch', { instances: [] }, /#\/instances/],
    ['an absurd batch', { instances: Array(33).fill(b64) }, /#\/instances/],
    ['a flat row', { instances: [[1, 2, 3]] }, /#\/instances\/0 has 3 elements, not 1/],
    ['text in a tensor', { instances: [[[[0], ['1']]]] }, /#\/instances\/0\/0\/1\/0 is a string, not a number/],
    ['null in a tensor', { instances: [[[[0], [null]]]] }, /#\/instances\/0\/0\/1\/0 is null/],
    ['a value that no pixel becomes', { instances: [[[[0], [200]]]] }, /Value 1 of the tensor is 200.*from 0 to 1/],
    ['a picture that is no object', { instances: [PNG] }, /#\/instances\/0 is text: bytes are written/],
    ['URL-safe base64', { instances: [{ b64: '-_-_' }] }, /URL-safe/],
    ['no picture', { instances: [{ b64: 'aW1hZ2UgYnl0ZXM=' }] }, /no picture of a known format/],
    ['another input', { inputs: { tag: ['foo'] } }, /#\/inputs has inputs that the model has not/],
    ['two inputs', { inputs: { input: [b64], image_bytes: [b64] } }, /#\/inputs/],
    ['two inputs in a row', { instances: [{ input: b64, image_bytes: b64 }] }, /#\/instances\/0/],
    ['a tensor for a picture', { instances: [{ b64: [1] }] }, /b64 is an array/],
  ])('refuses %s', async (_name, body, says) => {
    const { status, json } = await predict(body);
    expect(status).toBe(400);
    expect(Object.keys(json)).toEqual(['error']);
    expect(json.error).toMatch(says);
  });

  it.each([
    ['NaN', '{"instances": [[[[NaN],[0]]]]}'],
    ['depth', `{"instances": ${'['.repeat(100_000)}`],
    ['__proto__', '{"instances": [{"__proto__": {"b64": "AAAA"}}]}'],
    ['bytes that are no text', Uint8Array.of(0x7b, 0xff, 0x7d)],
    ['nothing', ''],
  ])('refuses JSON with %s', async (_name, body) => {
    const answer = await service.post('/v1/models/m:predict', body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({ error: expect.stringMatching(/JSON|key|deep/) });
  });
});

describe(':classify', () => {
  const classify = (body: unknown) => service.postJson('/v1/models/m:classify', body);

  it('answers labels and scores of each example under "results"', async () => {
    const best = [
      ['right', near(right)],
      ['left', near(left)],
    ];
    const examples = [{ image: b64, caption: 'seaside' }, { 'image/encoded': b64 }, { input: [10 / 255, 200 / 255] }];
    expect(await classify({ examples })).toEqual({ status: 200, json: { results: [best, best, best] } });
    expect((await classify({ context: { image: b64 }, examples: [{}, {}] })).json.results).toEqual([best, best]);
  });

  it.each<[object, RegExp]>([
    [{ examples: [{}] }, /#\/examples\/0 has 0 of the features/],
    [{ context: { image: b64 }, examples: [{ image: b64 }] }, /#\/examples\/0\/image is also in the context/],
    [{ examples: [{ image: b64, input: [0, 0] }] }, /#\/examples\/0 has 2 of the features/],
    [{ examples: 'x' }, /#\/examples/],
    [{ examples: [{ input: [0] }] }, /#\/examples\/0\/input has 1 elements, not 2/],
  ])('refuses %j', async (body, says) => {
    const { status, json } = await classify(body);
    expect([status, json]).toEqual([400, { error: expect.stringMatching(says) }]);
  });

  it('does not regress', async () => {
    expect(await service.postJson('/v1/models/m:regress', { examples: [{ x: 1 }] })).toMatchObject({ status: 400 });
  });
});
