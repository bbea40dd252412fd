import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CLASS_NAMES, DEFAULT_CACHE, loadFashionMnist } from '../../../training/data/fashion-mnist.ts';
import { imageAt } from '../../../training/data/labelled-images.ts';
import { shared } from '../../fixtures/shared.ts';
import { type FlakyServer, sendRange, serve } from './flaky-server.ts';

const official = shared('data/fashion-mnist');
const [images, labels] = ['t10k-images-idx3-ubyte.gz', 't10k-labels-idx1-ubyte.gz'] as const;
const png = path.join(import.meta.dirname, '../../fixtures/fashion');

let folder: string;
let server: FlakyServer | undefined;
const before = process.cwd();

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'fashion-'));
});
afterEach(async () => {
  process.chdir(before);
  await server?.close();
  server = undefined;
  await rm(folder, { recursive: true });
});

describe('without the files', () => {
  it('says which files to put where, and where they are', async () => {
    const attempt = loadFashionMnist('test', { dir: folder });
    await expect(attempt).rejects.toThrow(new RegExp(`${images} is missing`));
    for (const text of [folder, images, labels, 'train-images-idx3-ubyte.gz', 'amazonaws.com']) {
      await expect(attempt).rejects.toThrow(text);
    }
  });

  it('says the same, and why, where the cache is empty and nothing can be downloaded', async () => {
    process.chdir(folder);
    server = await serve((_, response) => response.writeHead(404).end());
    const attempt = loadFashionMnist('test', { addresses: [server.address, `${server.address}second/`] });
    await expect(attempt).rejects.toThrow(path.join(folder, DEFAULT_CACHE));
    await expect(attempt).rejects.toThrow(/answered 404.*second.*answered 404.*cannot be downloaded/s);
    expect(server.requests).toHaveLength(2);
  });

  it('takes nothing else for the official file', async () => {
    const header = [0, 0, 8, 3, 0, 0, 39, 16, 0, 0, 0, 28, 0, 0, 0, 28];
    const black = new Uint8Array(16 + 7_840_000);
    black.set(header);
    await writeFile(path.join(folder, images), gzipSync(black));
    await expect(loadFashionMnist('test', { dir: folder })).rejects.toThrow(/t10k-images.*not the official file: md5/);
    await writeFile(path.join(folder, images), Uint8Array.from([0, 0, 8, 1, 0, 0, 0, 1, 5]));
    await expect(loadFashionMnist('test', { dir: folder })).rejects.toThrow(/holds 1 values/);
  });
});

describe.skipIf(!official)(`with the official files${official ? '' : ' (skipped: FIXTURES_DIR has none)'}`, () => {
  const dir = official ?? '';

  it('reads both splits', async () => {
    for (const [split, count] of [
      ['train', 60_000],
      ['test', 10_000],
    ] as const) {
      const data = await loadFashionMnist(split, { dir });
      expect([data.count, data.images.length, data.shape]).toEqual([count, count * 784, [28, 28, 1]]);
      const counts = new Array(10).fill(0);
      for (const label of data.labels) counts[label]++;
      expect(counts).toEqual(new Array(10).fill(count / 10));
      // The first image of either split is an ankle boot (the data set's own README).
      expect(data.classNames[data.labels[0] ?? 0]).toBe('Ankle boot');
    }
  });

  it('reads them unpacked too', async () => {
    for (const name of [images, labels]) {
      await writeFile(path.join(folder, name.slice(0, -3)), gunzipSync(await readFile(path.join(dir, name))));
    }
    expect((await loadFashionMnist('test', { dir: folder })).count).toBe(10_000);
  });

  it('downloads into the cache once, over a connection that breaks, from the second address', async () => {
    process.chdir(folder);
    const files = new Map([images, labels].map((name) => [`/good/${name}`, readFile(path.join(dir, name))]));
    server = await serve(async (request, response, count) => {
      const file = await files.get(request.url ?? '');
      if (!file) response.writeHead(404).end();
      else sendRange(file, request, response, count === 1 ? 1_000_000 : undefined);
    });
    const source = { addresses: [`${server.address}bad/`, `${server.address}good/`] };
    expect((await loadFashionMnist('test', source)).count).toBe(10_000);
    expect(server.requests.map(({ url, range }) => `${url} ${range ?? ''}`)).toEqual([
      `/bad/${images} `,
      `/good/${images} `,
      expect.stringMatching(/^\/good\/t10k-images-idx3-ubyte\.gz bytes=\d+-$/),
      `/bad/${labels} `,
      `/good/${labels} `,
    ]);
    expect((await readdir(DEFAULT_CACHE)).sort()).toEqual([images, labels]);
    await loadFashionMnist('test', source);
    expect(server.requests).toHaveLength(5);
  });

  it('says which file of the folder is cut off', async () => {
    await copyFile(path.join(dir, labels), path.join(folder, labels));
    await writeFile(path.join(folder, images), (await readFile(path.join(dir, images))).subarray(0, 4_000_000));
    await expect(loadFashionMnist('test', { dir: folder })).rejects.toThrow(/t10k-images.*cannot be unpacked/);
  });

  it('is what the committed PNG files were made from, pixel by pixel', async () => {
    const test = await loadFashionMnist('test', { dir });
    const names = (await readdir(png)).filter((name) => name.endsWith('.png'));
    for (const name of names) {
      const [label, at] = name.replace('.png', '').split('-').map(Number);
      expect(test.labels[at ?? -1]).toBe(label);
      const { data, info } = await sharp(path.join(png, name))
        .toColourspace('b-w')
        .raw()
        .toBuffer({ resolveWithObject: true });
      expect([info.width, info.height, info.channels]).toEqual([28, 28, 1]);
      expect(Buffer.compare(data, imageAt(test, at ?? -1))).toBe(0);
    }
  });
});

it('has 20 committed PNG files of each class, 8-bit grey', async () => {
  const names = (await readdir(png)).filter((name) => name.endsWith('.png'));
  const counts = new Array(10).fill(0);
  for (const name of names) {
    counts[Number(name[0])]++;
    const header = await readFile(path.join(png, name));
    // IHDR (PNG, section 11.2.1): width, height, bit depth 8, colour type 0, no interlace.
    expect([...header.subarray(16, 29)]).toEqual([0, 0, 0, 28, 0, 0, 0, 28, 8, 0, 0, 0, 0]);
  }
  expect(counts).toEqual(new Array(10).fill(20));
  expect(JSON.parse(await readFile(path.join(png, 'labels.json'), 'utf8'))).toEqual([...CLASS_NAMES]);
});
