import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { build } from 'esbuild';
import type { Browser } from 'playwright-core';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { preparer } from '../../training/data/prepare.ts';
import { photoOf } from '../../training/evaluate/photos.ts';
import { highest } from '../../training/evaluate/predictions.ts';
import { loadServedModel } from '../../training/evaluate/served-model.ts';
import { browserPath, launch } from './browser.ts';

const root = path.join(import.meta.dirname, '../..');
const EDGE = 320;
const ADVICE = { longest_edge: EDGE, quality: 0.9, formats: ['image/jpeg'], typical_bytes: 9e3, max_bytes: 3e4 };
/** Of 12 megapixels; taller than wide as it is seen. */
const [WIDTH, HEIGHT] = [3024, 4032];

let server: Server;
let browser: Browser;
let base: string;
let photo: Buffer;
let classOf: (file: Uint8Array) => Promise<number>;
const received: { body: Buffer; key: string | undefined }[] = [];

/** A boot, 12 megapixels, as a phone saves it that was held upright: lying, with orientation 6. */
async function photoOfBoot(): Promise<Buffer> {
  const folder = path.join(root, 'test/fixtures/fashion');
  const name = (await readdir(folder)).filter((file) => file.startsWith('9-')).sort()[0] ?? '';
  const { file } = await photoOf(await readFile(path.join(folder, name)), true);
  const tall = await sharp(file).resize(WIDTH, HEIGHT, { fit: 'contain', background: 'white' }).toBuffer();
  return sharp(tall).rotate(270).withMetadata({ orientation: 6 }).jpeg({ quality: 92 }).toBuffer();
}

beforeAll(async () => {
  if (!browserPath && !process.env.CI) return;
  const { manifest, classifier } = await loadServedModel(path.join(root, 'models/fashion-mlp'));
  const prepare = preparer(manifest.input);
  classOf = async (file) => highest(Float64Array.from(await classifier.classify(await prepare(file), 1)));
  photo = await photoOfBoot();
  const entry = path.join(root, 'functions/client/photos.ts');
  const bundle = await build({ entryPoints: [entry], bundle: true, format: 'esm', write: false, metafile: true });
  expect(Object.keys(bundle.metafile.inputs).filter((file) => !file.includes('functions/client/'))).toEqual([]);
  server = createServer(async (request, response) => {
    if (request.url === '/photos.js')
      return response.setHeader('content-type', 'text/javascript').end(bundle.outputFiles[0]?.contents);
    if (request.url === '/photo.jpg') return response.end(photo);
    if (request.url?.startsWith('/models/')) return response.end(JSON.stringify({ upload: ADVICE }));
    if (!request.url?.startsWith('/classify/')) return response.setHeader('content-type', 'text/html').end('<title>');
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    received.push({ body, key: request.headers['idempotency-key'] as string });
    if (received.length === 1) return response.writeHead(503, { 'retry-after': '0' }).end('{}');
    response.end(JSON.stringify({ predictions: [{ index: await classOf(body) }] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  server?.close();
});

describe.skipIf(!browserPath && !process.env.CI)('the client package in Chromium (skipped where there is none)', () => {
  it('sends a turned photo of 12 megapixels upright, small, again, and it is what the photo is', async () => {
    expect(await sharp(photo).metadata()).toMatchObject({ width: HEIGHT, height: WIDTH, orientation: 6 });
    const page = await browser.newPage();
    await page.goto(base);
    const index = await page.evaluate<number>(`(async () => {
      const { photos } = await import('/photos.js');
      const file = await (await fetch('/photo.jpg')).blob();
      const { predictions } = await photos(location.origin).classify('fashion-mlp', file);
      return predictions[0].index;
    })()`);
    expect(index).toBe(await classOf(photo));
    expect(index).toBe(9);
    expect(received).toHaveLength(2);
    const [first, second] = received;
    expect(second?.key).toBe(first?.key);
    expect(second?.body.equals(first?.body ?? Buffer.alloc(0))).toBe(true);
    const sent = await sharp(second?.body).metadata();
    expect(sent).toMatchObject({ format: 'jpeg', width: 240, height: EDGE });
    expect(sent.orientation ?? 1).toBe(1);
    console.log(`${photo.length} bytes became ${second?.body.length}`);
    // Sampled as finely as a good scaler samples it.
    const raw = (picture: Sharp) => picture.removeAlpha().raw().toBuffer();
    const [ours, theirs] = [
      await raw(sharp(second?.body)),
      await raw(sharp(photo).autoOrient().resize(240, EDGE, { kernel: 'cubic' })),
    ];
    const error = ours.reduce((sum, value, at) => sum + Math.abs(value - (theirs[at] ?? 0)), 0) / ours.length;
    expect(error).toBeLessThan(3);
  });

  it('leaves alone what is small, what is no picture, and what no advice is known for', async () => {
    const page = await browser.newPage();
    await page.goto(base);
    const kept = await page.evaluate<boolean[]>(`(async () => {
      const { prepare } = await import('/photos.js');
      const canvas = new OffscreenCanvas(300, 20);
      canvas.getContext('2d');
      const small = await canvas.convertToBlob();
      const none = new Blob(['no picture']);
      const large = await (await fetch('/photo.jpg')).blob();
      const advice = ${JSON.stringify(ADVICE)};
      const asked = [[small, advice], [none, advice], [large, null], [large, { ...advice, longest_edge: null }]];
      return Promise.all(asked.map(async ([file, given]) => (await prepare(file, given)) === file));
    })()`);
    expect(kept).toEqual([true, true, true, true]);
  });
});
