import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Service } from '../e2e/service.ts';
import { BOOT, garment, MODEL, SCALINGS, startForClients } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await startForClients();
});
afterAll(() => service?.stop());

/**
 * What the protocol's own OpenAPI file requires of answers (kserve/open-inference-protocol,
 * open_inference_rest.yaml), written here from it and not from our schemas: fields that it does not know may be there.
 */
const tensorData: z.ZodType = z.lazy(() => z.array(z.union([tensorData, z.number(), z.string(), z.boolean()])));
const tensor = z.looseObject({ name: z.string(), datatype: z.string(), shape: z.array(z.int()) });
const REQUIRED = {
  metadata_server_response: z.looseObject({ name: z.string(), version: z.string(), extensions: z.array(z.string()) }),
  metadata_model_response: z.looseObject({
    name: z.string(),
    platform: z.string(),
    versions: z.array(z.string()).optional(),
    inputs: z.array(tensor).optional(),
    outputs: z.array(tensor).optional(),
  }),
  inference_response: z.looseObject({
    model_name: z.string(),
    model_version: z.string().optional(),
    id: z.string().optional(),
    parameters: z.looseObject({}).optional(),
    outputs: z.array(tensor.extend({ parameters: z.looseObject({}).optional(), data: tensorData })),
  }),
  inference_error_response: z.looseObject({ error: z.string() }),
  // inference_rest.md, "Model Ready" and "Server Live".
  ready_model_response: z.looseObject({ name: z.string(), ready: z.boolean() }),
  live_server_response: z.looseObject({ live: z.boolean() }),
};

/** The pixels of a committed picture. */
const pixelsOf = async (name: string): Promise<number[]> =>
  Array.from(await sharp(garment(name)).extractChannel(0).raw().toBuffer());

async function infer(body: object, model: string = MODEL): Promise<{ status: number; json: unknown }> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${service.base}/v2/models/${model}/infer`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers,
  });
  return { status: answer.status, json: await answer.json() };
}

describe("the protocol's own schemas", () => {
  it.each<[string, keyof typeof REQUIRED]>([
    ['/v2', 'metadata_server_response'],
    ['/v2/', 'metadata_server_response'],
    ['/v2/health/live', 'live_server_response'],
    ['/v2/health/ready', 'live_server_response'],
    [`/v2/models/${MODEL}`, 'metadata_model_response'],
    [`/v2/models/${MODEL}/versions/1`, 'metadata_model_response'],
    [`/v2/models/${MODEL}/ready`, 'ready_model_response'],
    [`/v2/models/${MODEL}/versions/1/ready`, 'ready_model_response'],
  ])('%s is a %s', async (path, name) => {
    const answer = await fetch(service.base + path);
    expect(answer.status).toBe(200);
    expect(REQUIRED[name].safeParse(await answer.json()).error).toBeUndefined();
  });

  it('an inference of a batch is an inference_response, a refused one an inference_error_response', async () => {
    const values = (await pixelsOf(BOOT)).map((pixel) => pixel / 255);
    const input = { name: 'input', shape: [2, 28, 28, 1], datatype: 'FP32', data: [...values, ...values] };
    const good = await infer({ id: '42', inputs: [input], outputs: [{ name: 'scores' }] });
    const { id, outputs } = REQUIRED.inference_response.parse(good.json);
    expect([good.status, id, outputs[0]?.shape]).toEqual([200, '42', [2, 10]]);
    const bad = await infer({ inputs: [{ ...input, shape: [1] }] });
    expect([bad.status, REQUIRED.inference_error_response.safeParse(bad.json).success]).toEqual([400, true]);
  });
});

/**
 * What Triton's image_client.py does (triton-inference-server/client, src/python/examples), step by step: it reads the
 * metadata and the configuration, checks them, scales pixels by itself, and sends with tritonclient.http, whose JSON
 * has no blanks and its fields in this order; binary input, binary output.
 */
async function imageClient(
  model: string,
  scaling: keyof typeof SCALINGS,
  pictures: readonly string[],
  classes: number,
) {
  const get = async (path: string) =>
    (await (await fetch(`${service.base}/v2/models/${model}${path}`)).json()) as Described;
  const [metadata, config] = [await get(''), await get('/config')];
  const [input, ...otherInputs] = metadata.inputs;
  const [output, ...otherOutputs] = metadata.outputs;
  if (!input || !output || otherInputs.length + otherOutputs.length > 0) throw new Error('expecting 1 input, 1 output');
  expect(config.input).toHaveLength(1);
  expect(output.datatype).toBe('FP32');
  expect(output.shape.slice(1).filter((length) => length > 1)).toHaveLength(1);
  expect(config.max_batch_size).toBeGreaterThanOrEqual(pictures.length);
  expect(input.shape).toHaveLength(4);
  expect(config.input[0]?.format).toBe('FORMAT_NHWC');
  const [, height, width, channels] = input.shape;

  const scale = (pixel: number) => (scaling === 'INCEPTION' ? pixel / 127.5 - 1 : pixel);
  const values = Float32Array.from((await Promise.all(pictures.map(pixelsOf))).flat(), scale);
  const head =
    `{"id":"1","inputs":[{"name":"${input.name}","shape":[${pictures.length},${height},${width},${channels}],"datatype":"FP32",` +
    `"parameters":{"binary_data_size":${values.byteLength}}}],` +
    `"outputs":[{"name":"${output.name}","parameters":{"classification":${classes},"binary_data":true}}]}`;
  const answer = await fetch(`${service.base}/v2/models/${model}/infer`, {
    method: 'POST',
    body: Buffer.concat([Buffer.from(head), Buffer.from(values.buffer)]),
    headers: { 'inference-header-content-length': String(head.length) },
  });
  const body = Buffer.from(await answer.arrayBuffer());
  const length = Number(answer.headers.get('inference-header-content-length'));
  const result = JSON.parse(body.subarray(0, length || undefined).toString());
  if (answer.status !== 200) throw new Error(result.error);
  expect(result.id).toBe('1');
  const { datatype, shape, parameters } = result.outputs[0];
  expect([datatype, parameters.binary_data_size]).toEqual(['BYTES', body.length - length]);
  return { shape, texts: texts(body.subarray(length)) };
}

interface Described {
  readonly inputs: { name: string; shape: number[] }[];
  readonly outputs: { name: string; datatype: string; shape: number[] }[];
  readonly max_batch_size: number;
  readonly input: { format: string }[];
}

/** As tritonclient's deserialize_bytes_tensor reads them. */
function texts(data: Buffer): string[] {
  const read: string[] = [];
  for (let at = 0; at < data.length; ) {
    const length = data.readUInt32LE(at);
    read.push(data.subarray(at + 4, at + 4 + length).toString());
    at += 4 + length;
  }
  return read;
}

describe("Triton's image_client.py", () => {
  it.each(['NONE', 'INCEPTION'] as const)('classifies a batch with -s %s as the native route does', async (scaling) => {
    const pictures = [BOOT, '1-0015.png', '8-0018.png'];
    const { shape, texts: lines } = await imageClient(SCALINGS[scaling].id, scaling, pictures, 2);
    expect(shape).toEqual([3, 2]);
    const expected: string[] = [];
    for (const picture of pictures) {
      const body = new Uint8Array(garment(picture));
      const answer = await fetch(`${service.base}/classify/${MODEL}?top_k=2`, { method: 'POST', body });
      const { predictions } = (await answer.json()) as {
        predictions: { score: number; index: number; label: string }[];
      };
      expected.push(...predictions.map(({ score, index, label }) => `${score.toFixed(6)}:${index}:${label}`));
    }
    expect(lines).toEqual(expected);
    expect(lines[0]).toMatch(/^[01]\.\d{6}:9:Ankle boot$/);
  });

  it('is told what the model takes when it scales otherwise', async () => {
    await expect(imageClient(MODEL, 'NONE', [BOOT], 1)).rejects.toThrow(/Value \d+ of the tensor is \d+.*from 0 to 1/);
  });
});

describe('the default of tritonclient: binary both ways, no outputs named', () => {
  it('is answered in FP32, ten scores that add up to one', async () => {
    const values = Float32Array.from(await pixelsOf(BOOT), (pixel) => pixel / 255);
    const head = `{"inputs":[{"name":"input","shape":[1,28,28,1],"datatype":"FP32","parameters":{"binary_data_size":3136}}],"parameters":{"binary_data_output":true}}`;
    const answer = await fetch(`${service.base}/v2/models/${MODEL}/versions/1/infer`, {
      method: 'POST',
      body: Buffer.concat([Buffer.from(head), Buffer.from(values.buffer)]),
      headers: { 'Inference-Header-Content-Length': String(head.length) },
    });
    expect(answer.headers.get('content-type')).toBe('application/octet-stream');
    const body = Buffer.from(await answer.arrayBuffer());
    const scores = new Float32Array(
      new Uint8Array(body.subarray(Number(answer.headers.get('inference-header-content-length')))).buffer,
    );
    expect(scores).toHaveLength(10);
    expect(scores.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    expect(scores.indexOf(Math.max(...scores))).toBe(9);
  });
});
