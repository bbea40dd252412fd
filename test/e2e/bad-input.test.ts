import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { png } from '../fixtures/png.ts';
import { type Service, startService } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.stop());

const grey = Buffer.from(Array.from({ length: 784 }, (_, i) => (i * 7) % 256));
const good = png(28, 28, grey);
const photo = () =>
  sharp(Buffer.from(Array.from({ length: 64 * 48 * 3 }, (_, i) => (i * 31) % 256)), {
    raw: { width: 64, height: 48, channels: 3 },
  });

function post(body: BodyInit, { type = 'image/png', query = '', model = 'fashion-mlp' } = {}): Promise<Response> {
  return fetch(`${service.base}/classify/${model}${query}`, {
    method: 'POST',
    body,
    headers: { 'content-type': type },
  });
}

/** What is asked of each: the status, and a word that its problem document must have. */
const refused: [
  name: string,
  body: () => Promise<BodyInit> | BodyInit,
  status: number,
  says: RegExp,
  options?: object,
][] = [
  ['an empty body', () => '', 400, /no image/],
  ['text', () => 'hello', 415, /PNG|JPEG/],
  ['a truncated PNG', () => good.subarray(0, 60), 422, /ends|trunc|short|cut/i],
  [
    'a PNG that says 50,000 x 50,000',
    () =>
      png(28, 28, grey, {
        patch: (header) => {
          header.writeUInt32BE(50_000, 0);
          header.writeUInt32BE(50_000, 4);
        },
      }),
    413,
    /50,?000/,
  ],
  ['a HEIC', () => Buffer.from('\0\0\0\x1cftypheic\0\0\0\0mif1heic', 'latin1'), 415, /HEIC.*JPEG/],
  ['a WebP cut short', async () => (await photo().webp().toBuffer()).subarray(0, 200), 422, /WebP/],
  ['an AVIF cut short', async () => (await photo().avif().toBuffer()).subarray(0, 400), 422, /AVIF/],
  ['a GIF cut short', async () => (await photo().gif().toBuffer()).subarray(0, 900), 422, /GIF/],
  ['JSON with broken base64', () => '{"image":"%%%"}', 400, /base64/, { type: 'application/json' }],
  ['JSON that is no object', () => '[[[[', 400, /JSON/, { type: 'application/json' }],
  ['JSON nested a million deep', () => '['.repeat(1_000_000), 400, /deep/, { type: 'application/json' }],
  ['JSON with __proto__', () => '{"__proto__":{"top_k":3}}', 400, /__proto__/, { type: 'application/json' }],
  [
    'JSON with constructor',
    () => '{"image":"AAAA","constructor":{}}',
    400,
    /constructor/,
    { type: 'application/json' },
  ],
  ['JSON with an unknown key', () => '{"image":"AAAA","topk":1}', 400, /topk/, { type: 'application/json' }],
  [
    'a form without the part',
    () => {
      const form = new FormData();
      form.set('picture', new Blob([good]));
      return form;
    },
    400,
    /named \\"image\\"/,
    { type: null },
  ],
  ['a body of 20 MB', () => Buffer.alloc(20_000_000, 1), 413, /10000000/],
  ['an unknown model', () => good, 404, /fashion-mlp/, { model: 'no-such-model' }],
  ['top_k=-1', () => good, 400, /top_k/, { query: '?top_k=-1' }],
  ['top_k=1e3', () => good, 400, /top_k/, { query: '?top_k=1e3' }],
  ['top_k twice', () => good, 400, /twice/, { query: '?top_k=1&top_k=2' }],
  ['min_score=2', () => good, 400, /min_score/, { query: '?min_score=2' }],
  ['an unknown option', () => good, 400, /topk/, { query: '?topk=3' }],
];

describe('bad input is refused by name, and the next good request is answered', () => {
  it.each(refused)(
    '%s',
    async (_name, body, status, says, options: { type?: string | null; query?: string; model?: string } = {}) => {
      const sent = await body();
      const { type = 'image/png', query = '', model = 'fashion-mlp' } = options;
      const response = await fetch(`${service.base}/classify/${model}${query}`, {
        method: 'POST',
        body: sent,
        headers: type ? { 'content-type': type } : {},
      });
      const problem = await response.json();
      expect(response.status, JSON.stringify(problem)).toBe(status);
      expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(response.headers.get('x-request-id')).toMatch(/^[\w-]{8,}$/);
      expect(problem).toMatchObject({
        status,
        title: expect.any(String),
        type: expect.any(String),
        instance: `/classify/${model}`,
      });
      expect(JSON.stringify(problem)).toMatch(says);
      expect((await post(good)).status).toBe(200);
    },
  );
});

describe('odd but valid pictures are answered', () => {
  it.each<[string, () => Promise<Buffer>]>([
    ['WebP', () => photo().webp().toBuffer()],
    ['lossless WebP with alpha', () => photo().ensureAlpha(0.5).webp({ lossless: true }).toBuffer()],
    ['AVIF', () => photo().avif().toBuffer()],
    ['GIF', () => photo().gif().toBuffer()],
    ['16-bit grey PNG', () => photo().toColourspace('grey16').png().toBuffer()],
    ['palette PNG', () => photo().png({ palette: true }).toBuffer()],
    ['grey and alpha PNG', () => photo().toColourspace('b-w').ensureAlpha(0.5).png().toBuffer()],
    ['interlaced PNG', () => photo().png({ progressive: true }).toBuffer()],
    ['progressive JPEG', () => photo().jpeg({ progressive: true }).toBuffer()],
    ['grey JPEG', () => photo().greyscale().jpeg().toBuffer()],
  ])('%s', async (_name, body) => {
    const response = await post(new Uint8Array(await body()), { type: 'application/octet-stream' });
    const answer = (await response.json()) as { predictions: unknown[] };
    expect(response.status, JSON.stringify(answer)).toBe(200);
    expect(answer.predictions).toHaveLength(5);
  });
});

describe('methods and paths', () => {
  it('answers a wrong method with 405 and Allow', async () => {
    const response = await fetch(`${service.base}/classify/fashion-mlp`);
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
    const models = await fetch(`${service.base}/models`, { method: 'DELETE' });
    expect(models.status).toBe(405);
    expect(models.headers.get('allow')).toBe('GET, HEAD');
  });

  it('hands out no weights, and 404 as a problem document', async () => {
    for (const path of [
      '/models/index.json',
      '/models/fashion-mlp/manifest.json',
      '/nothing',
      '/page/../models/index.json',
    ]) {
      const response = await fetch(service.base + path);
      expect(response.status, path).toBe(404);
      expect(response.headers.get('content-type')).toMatch(/problem\+json/);
    }
  });

  it('keeps a plain request id and replaces any other', async () => {
    const id = async (given: string) =>
      (await fetch(`${service.base}/health/live`, { headers: { 'x-request-id': given } })).headers.get('x-request-id');
    expect(await id('abc-123')).toBe('abc-123');
    expect(await id('<script>')).toMatch(/^[0-9a-f]{32}$/);
  });
});
