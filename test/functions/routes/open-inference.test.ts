import { beforeAll, describe, expect, it } from 'vitest';
import { PNG, picture, scoresOf, smallService } from './small-service.ts';

let service: Awaited<ReturnType<typeof smallService>>;
beforeAll(async () => {
  service = await smallService();
});
const [left, right] = scoresOf(10, 200);
const near = (value: number) => expect.closeTo(value, 6);
const pixels = [10 / 255, 200 / 255];
const tensor = { name: 'input', shape: [1, 1, 2, 1], datatype: 'FP32', data: pixels };
const bytes = { name: 'input', shape: [1], datatype: 'BYTES', data: [PNG] };
const scores = { name: 'scores', datatype: 'FP32', shape: [1, 2], data: [near(left), near(right)] };

describe('what is served', () => {
  it.each<[string, object]>([
    ['/v2/health/live', { live: true }],
    ['/v2/health/ready', { live: true, ready: true }],
    ['/v2/models/m/ready', { name: 'm', ready: true }],
    ['/v2/models/m/versions/7/ready', { name: 'm', ready: true }],
    [
      '/v2',
      {
        name: expect.any(String),
        version: expect.any(String),
        extensions: expect.arrayContaining(['binary_tensor_data', 'classification']),
      },
    ],
    ['/v2/', { extensions: expect.any(Array) }],
    [
      '/v2/models/m',
      {
        name: 'm',
        versions: ['7'],
        inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, 1, 2, 1] }],
        outputs: [{ name: 'scores', datatype: 'FP32', shape: [-1, 2] }],
      },
    ],
    [
      '/v2/models/m/versions/7/config',
      {
        max_batch_size: 32,
        input: [{ name: 'input', data_type: 'TYPE_FP32', format: 'FORMAT_NHWC', dims: [1, 2, 1] }],
        output: [{ name: 'scores', data_type: 'TYPE_FP32', dims: [2] }],
      },
    ],
  ])('GET %s', async (path, expected) => {
    const answer = await service.get(path);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject(expected);
  });

  it('is listed, with what cannot be read', async () => {
    const index = async (body: string) => (await service.post('/v2/repository/index', body)).json();
    const ready = { name: 'm', version: '7', state: 'READY', reason: '' };
    const broken = { name: 'broken', version: '', state: 'UNAVAILABLE', reason: expect.any(String) };
    expect(await index('')).toEqual(expect.arrayContaining([ready, broken]));
    expect(await index('{"ready":true}')).not.toEqual(expect.arrayContaining([broken]));
    expect((await service.post('/v2/repository/index', '{"ready":1}')).status).toBe(400);
  });

  it.each([
    ['/v2/models/half', 404],
    ['/v2/models/m/versions/8', 404],
    ['/v2/models/m/versions/latest/infer', 405],
    ['/v2/models/broken/ready', 503],
    ['/v2/nothing', 404],
  ])('GET %s is %i with an error in text', async (path, status) => {
    const answer = await service.get(path);
    expect([answer.status, await answer.json()]).toEqual([status, { error: expect.any(String) }]);
  });
});

describe('infer in JSON', () => {
  const infer = (body: unknown, path = '/v2/models/m/infer') => service.postJson(path, body);

  it('answers a tensor, and a picture alike, with the id', async () => {
    const expected = { model_name: 'm', model_version: '7', id: '42', outputs: [scores] };
    expect((await infer({ id: '42', inputs: [tensor] })).json).toEqual(expected);
    expect((await infer({ id: '42', inputs: [bytes] }, '/v2/models/m/versions/7/infer')).json).toEqual(expected);
    expect((await infer({ inputs: [tensor] })).json).not.toHaveProperty('id');
  });

  it('brings values back to the pixels that they were made of', async () => {
    await infer({ inputs: [{ ...tensor, data: [0.4999 / 255, -0.4 / 255] }] });
    expect(service.seen.at(-1)).toEqual([0, 0]);
    await infer({ inputs: [{ ...tensor, data: [0, 255.4 / 255] }] });
    expect(service.seen.at(-1)).toEqual([0, 255]);
    // As -s INCEPTION of Triton's client makes them.
    await infer({ inputs: [{ ...tensor, data: [10 / 127.5 - 1, 200 / 127.5 - 1] }] }, '/v2/models/inception/infer');
    expect(service.seen.at(-1)).toEqual([10, 200]);
  });

  it('answers a batch, nested or flat', async () => {
    const nested = [[[[0], [0]]], [[[10 / 255], [200 / 255]]]];
    for (const data of [nested, [0, 0, ...pixels]]) {
      const { json } = await infer({ inputs: [{ ...tensor, shape: [2, 1, 2, 1], data }] });
      expect(json.outputs).toEqual([
        { ...scores, shape: [2, 2], data: [near(0.5), near(0.5), near(left), near(right)] },
      ]);
    }
    const { json } = await infer({ inputs: [{ ...bytes, shape: [2, 1], data: [[PNG], [PNG]] }] });
    expect(json.outputs[0].shape).toEqual([2, 2]);
  });

  it('classifies as Triton does', async () => {
    const outputs = [{ name: 'scores', parameters: { classification: 5 } }];
    const { json } = await infer({ inputs: [tensor], outputs });
    const data = [`${right.toFixed(6)}:1:right`, `${left.toFixed(6)}:0:left`];
    expect(json.outputs).toEqual([{ name: 'scores', datatype: 'BYTES', shape: [1, 2], data }]);
  });

  it.each<[string, unknown, RegExp]>([
    ['no inputs', {}, /#\/inputs/],
    ['two inputs', { inputs: [tensor, tensor] }, /#\/inputs has 2 inputs/],
    ['an unknown input', { inputs: [{ ...tensor, name: 'x' }] }, /#\/inputs\/0\/name/],
    ['another type', { inputs: [{ ...tensor, datatype: 'UINT8' }] }, /#\/inputs\/0\/datatype/],
    ['another shape', { inputs: [{ ...tensor, shape: [1, 2, 1, 1] }] }, /#\/inputs\/0\/shape/],
    ['a flat shape', { inputs: [{ ...tensor, shape: [2] }] }, /#\/inputs\/0\/shape/],
    ['a negative shape', { inputs: [{ ...tensor, shape: [-1, 1, 2, 1] }] }, /#\/inputs\/0\/shape\/0/],
    ['an empty batch', { inputs: [{ ...tensor, shape: [0, 1, 2, 1], data: [] }] }, /batch has 0/],
    ['an absurd batch', { inputs: [{ ...tensor, shape: [2 ** 40, 1, 2, 1] }] }, /batch has 1099511627776/],
    ['too few values', { inputs: [{ ...tensor, data: [1] }] }, /#\/inputs\/0\/data has 1 of the 2/],
    ['too many values', { inputs: [{ ...tensor, data: [0, 0, 0] }] }, /#\/inputs\/0\/data has more than the 2/],
    ['text in values', { inputs: [{ ...tensor, data: [0, 'x'] }] }, /#\/inputs\/0\/data\/1 is a string/],
    ['a value beyond all pixels', { inputs: [{ ...tensor, data: [0, 1e39] }] }, /Value 1 of the tensor is Infinity/],
    ['no data', { inputs: [{ ...tensor, data: undefined }] }, /neither data nor binary_data_size/],
    [
      'a size without bytes',
      { inputs: [{ ...tensor, data: undefined, parameters: { binary_data_size: 8 } }] },
      /binary_data_size is not 0/,
    ],
    ['data twice', { inputs: [{ ...tensor, parameters: { binary_data_size: 0 } }] }, /both data and binary_data_size/],
    ['shared memory', { inputs: [{ ...tensor, parameters: { shared_memory_region: 'x' } }] }, /shared_memory_region/],
    ['a parameter that is no value', { inputs: [{ ...tensor, parameters: { x: {} } }] }, /#\/inputs\/0\/parameters\/x/],
    ['an unknown output', { inputs: [tensor], outputs: [{ name: 'x' }] }, /#\/outputs\/0\/name/],
    ['an output twice', { inputs: [tensor], outputs: [{ name: 'scores' }, { name: 'scores' }] }, /#\/outputs has 2/],
    [
      'no classes',
      { inputs: [tensor], outputs: [{ name: 'scores', parameters: { classification: 0 } }] },
      /classification/,
    ],
    ['an id that is no text', { id: 1, inputs: [tensor] }, /#\/id/],
    ['a broken picture', { inputs: [{ ...bytes, data: ['AAAA'] }] }, /no picture/],
    ['an empty picture', { inputs: [{ ...bytes, data: [''] }] }, /#\/inputs\/0\/data\/0 is empty/],
    ['a number for a picture', { inputs: [{ ...bytes, data: [1] }] }, /#\/inputs\/0\/data\/0 is a number/],
    ['pictures in another number', { inputs: [{ ...bytes, shape: [2] }] }, /#\/inputs\/0\/data has 1 of the 2/],
  ])('refuses %s', async (_name, body, says) => {
    const { status, json } = await infer(body);
    expect([status, json]).toEqual([400, { error: expect.stringMatching(says) }]);
  });
});

/** JSON, tensors behind it, and the header that says where it ends. */
function post(json: unknown, tensors: Uint8Array, header?: string, path = '/v2/models/m/infer') {
  const head = new TextEncoder().encode(JSON.stringify(json));
  return service.post(path, new Blob([head, tensors as Uint8Array<ArrayBuffer>]), {
    'inference-header-content-length': header ?? String(head.length),
  });
}

const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
/** The length before the bytes, least significant byte first. */
const element = (data: Uint8Array) => Uint8Array.of(data.length, data.length >> 8, 0, 0, ...data);
const binary = (size: number, more: object = {}) => ({
  ...tensor,
  data: undefined,
  parameters: { binary_data_size: size },
  ...more,
});

async function parts(answer: Response) {
  const body = new Uint8Array(await answer.arrayBuffer());
  const length = Number(answer.headers.get('inference-header-content-length'));
  return { json: JSON.parse(new TextDecoder().decode(body.subarray(0, length))), tail: body.slice(length) };
}

describe('infer in binary', () => {
  it('takes a tensor behind the JSON, and answers so when asked', async () => {
    const answer = await post(
      { inputs: [binary(8)], outputs: [{ name: 'scores', parameters: { binary_data: true } }] },
      floats(...pixels),
    );
    expect(answer.headers.get('content-type')).toBe('application/octet-stream');
    const { json, tail } = await parts(answer);
    expect(json.outputs).toEqual([
      { name: 'scores', datatype: 'FP32', shape: [1, 2], parameters: { binary_data_size: 8 } },
    ]);
    expect([...new Float32Array(tail.buffer)]).toEqual([near(left), near(right)]);
  });

  it('answers in JSON where nothing else is asked, or one output says so', async () => {
    for (const more of [
      {},
      { parameters: { binary_data_output: true }, outputs: [{ name: 'scores', parameters: { binary_data: false } }] },
    ]) {
      const answer = await post({ inputs: [binary(8)], ...more }, floats(...pixels));
      expect(answer.headers.get('inference-header-content-length')).toBeNull();
      expect((await answer.json<{ outputs: unknown }>()).outputs).toEqual([scores]);
    }
  });

  it('takes pictures as BYTES, and gives classes as BYTES', async () => {
    const two = new Uint8Array([...element(picture), ...element(picture)]);
    const input = binary(two.length, { datatype: 'BYTES', shape: [2] });
    const outputs = [{ name: 'scores', parameters: { classification: 1 } }];
    const answer = await post({ inputs: [input], outputs, parameters: { binary_data_output: true } }, two);
    const { json, tail } = await parts(answer);
    expect(json.outputs[0]).toMatchObject({
      datatype: 'BYTES',
      shape: [2, 1],
      parameters: { binary_data_size: tail.length },
    });
    const text = element(new TextEncoder().encode(`${right.toFixed(6)}:1:right`));
    expect([...tail]).toEqual([...text, ...text]);
  });

  it.each<[string, Uint8Array]>([
    ['a tensor', floats(...pixels)],
    ['a picture', picture],
  ])('takes a body that is nothing but %s', async (_name, body) => {
    const answer = await service.post('/v2/models/m/infer', body as Uint8Array<ArrayBuffer>, {
      'inference-header-content-length': '0',
    });
    const { json, tail } = await parts(answer);
    expect(json).toMatchObject({ model_name: 'm', outputs: [{ parameters: { binary_data_size: 8 } }] });
    expect([...new Float32Array(tail.buffer)]).toEqual([near(left), near(right)]);
  });

  const one = { inputs: [binary(8)] };
  it.each<[string, object, Uint8Array, string | undefined, RegExp]>([
    ['a tensor that is too short', one, floats(1), undefined, /binary_data_size is not 4/],
    ['a tensor that is too long', one, floats(1, 1, 1), undefined, /binary_data_size is not 12/],
    ['a size of another shape', { inputs: [binary(12)] }, floats(1, 1, 1), undefined, /is not 8, four bytes/],
    [
      'a size in text',
      { inputs: [{ ...binary(0), parameters: { binary_data_size: '8' } }] },
      floats(0, 0),
      undefined,
      /binary_data_size/,
    ],
    ['bytes that nobody named', { inputs: [tensor] }, floats(1), undefined, /4 bytes follow the JSON/],
    ['a header beyond the body', one, floats(0, 0), '100000', /Inference-Header-Content-Length/],
    ['a negative header', one, floats(0, 0), '-1', /Inference-Header-Content-Length/],
    ['a header that is no number', one, floats(0, 0), '1e2', /Inference-Header-Content-Length/],
    ['a header twice', one, floats(0, 0), '5, 5', /Inference-Header-Content-Length/],
    ['a header within the JSON', one, floats(0, 0), '5', /JSON/],
    ['NaN', one, floats(Number.NaN, 0), undefined, /Value 0 of the tensor is NaN/],
    ['infinity', one, floats(0, Number.NEGATIVE_INFINITY), undefined, /Value 1 of the tensor is -Infinity/],
    [
      'an element longer than all',
      { inputs: [binary(5, { datatype: 'BYTES', shape: [1] })] },
      Uint8Array.of(9, 0, 0, 0, 1),
      undefined,
      /ends within element 0/,
    ],
    [
      'an element of 4 GB',
      { inputs: [binary(5, { datatype: 'BYTES', shape: [1] })] },
      Uint8Array.of(255, 255, 255, 255, 1),
      undefined,
      /4294967295 bytes/,
    ],
    [
      'a cut length',
      { inputs: [binary(3, { datatype: 'BYTES', shape: [1] })] },
      Uint8Array.of(1, 0, 0),
      undefined,
      /ends within element 0/,
    ],
    [
      'bytes after the last element',
      { inputs: [binary(6, { datatype: 'BYTES', shape: [1] })] },
      Uint8Array.of(1, 0, 0, 0, 7, 7),
      undefined,
      /1 bytes after its 1 elements/,
    ],
    ['an empty raw tensor', {}, new Uint8Array(0), '0', /Value|values|whole FP32/],
  ])('refuses %s', async (_name, json, tensors, header, says) => {
    const answer = await post(json, tensors, header);
    expect([answer.status, await answer.json()]).toEqual([400, { error: expect.stringMatching(says) }]);
  });
});

it('counts inferences', async () => {
  const fresh = await smallService();
  await fresh.postJson('/v2/models/m/infer', { inputs: [{ ...tensor, shape: [2, 1, 2, 1], data: [0, 0, 0, 0] }] });
  await fresh.postJson('/v2/models/m/infer', {});
  const of = async (path: string) => (await (await fresh.get(path)).json<{ model_stats: object[] }>()).model_stats;
  const stats = {
    name: 'm',
    version: '7',
    inference_count: 2,
    last_inference: expect.any(Number),
    inference_stats: expect.objectContaining({ success: { count: 1, ns: 0 }, fail: { count: 1, ns: 0 } }),
  };
  expect(await of('/v2/models/m/stats')).toMatchObject([stats]);
  expect(await of('/v2/models/stats')).toContainEqual(expect.objectContaining({ name: 'm', inference_count: 2 }));
});
