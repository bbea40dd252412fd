import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Service } from '../e2e/service.ts';
import { BOOT, garment, MODEL, startForClients } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await startForClients();
});
afterAll(() => service?.stop());

const boot = garment(BOOT).toString('base64');

/** What the guide runs (tensorflow/serving, g3doc/api_rest.md, "Make REST API calls to ModelServer"), on our model. */
async function curl(...options: string[]): Promise<{ status: number; type: string; json: Record<string, unknown> }> {
  const format = '\n%{http_code} %{content_type}';
  const { stdout } = await promisify(execFile)('curl', ['-s', '-w', format, ...options]);
  const [body = '', last = ''] = [
    stdout.slice(0, stdout.lastIndexOf('\n')),
    stdout.slice(stdout.lastIndexOf('\n') + 1),
  ];
  const [status, type = ''] = last.split(' ');
  return { status: Number(status), type, json: JSON.parse(body) };
}

describe("TensorFlow Serving's documented calls", () => {
  it('status of a model', async () => {
    const { status, type, json } = await curl(`${service.base}/v1/models/${MODEL}`);
    expect([status, type]).toEqual([200, expect.stringMatching(/^application\/json/)]);
    expect(json).toEqual({
      model_version_status: [{ version: '1', state: 'AVAILABLE', status: { error_code: 'OK', error_message: '' } }],
    });
  });

  // curl -d says that its JSON is a form.
  it('predict with -d, in rows', async () => {
    const body = JSON.stringify({ instances: [{ b64: boot }, { b64: boot }] });
    const { status, json } = await curl('-d', body, '-X', 'POST', `${service.base}/v1/models/${MODEL}:predict`);
    const [first, second] = json.predictions as number[][];
    expect([status, first?.length, first]).toEqual([200, 10, second]);
    expect(first?.indexOf(Math.max(...first))).toBe(9);
    expect(first?.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
  });

  it('predict of a tensor equals predict of its picture', async () => {
    const pixels = Array.from({ length: 28 }, (_, y) => Array.from({ length: 28 }, (_, x) => [((x * y) % 256) / 255]));
    const { default: sharp } = await import('sharp');
    const raw = Buffer.from(pixels.flat(2).map((value) => Math.round(value * 255)));
    const png = await sharp(raw, { raw: { width: 28, height: 28, channels: 1 } })
      .png()
      .toBuffer();
    const inputs = (value: unknown) => JSON.stringify({ inputs: [value] });
    const address = `${service.base}/v1/models/${MODEL}:predict`;
    const [tensor, picture] = await Promise.all([
      curl('-d', inputs(pixels), address),
      curl('-d', inputs({ b64: png.toString('base64') }), address),
    ]);
    expect(tensor.json.outputs).toHaveLength(1);
    expect(tensor.json).toEqual(picture.json);
  });

  it('classify with an image and a caption', async () => {
    const examples = [{ image: { b64: boot }, caption: 'seaside' }];
    const body = JSON.stringify({ signature_name: 'classify', examples });
    const { json } = await curl('-d', body, `${service.base}/v1/models/${MODEL}:classify`);
    expect((json.results as [string, number][][])[0]?.[0]?.[0]).toBe('Ankle boot');
  });

  it('an incorrect request', async () => {
    const { status, json } = await curl(
      '-d',
      '{"instances": [1.0,5.0]}',
      '-X',
      'POST',
      `${service.base}/v1/models/half:predict`,
    );
    expect(status).toBe(404);
    expect(json.error).toContain('Servable not found for request: Latest(half)');
  });
});
