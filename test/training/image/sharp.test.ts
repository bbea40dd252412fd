import { readFileSync } from 'node:fs';
import path from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import type { ModelInput } from '../../../functions/catalogue/manifest.ts';
import { preprocess } from '../../../functions/image/preprocess.ts';
import { MemoryBudget } from '../../../functions/memory-budget.ts';

const jpeg = new WebAssembly.Module(
  readFileSync(path.join(import.meta.dirname, '../../../functions/image/jpeg/build/decoder.wasm')),
);
const budget = new MemoryBudget(120_000_000);
const WIDTH = 75;
const HEIGHT = 50;

/** Smooth, coloured, without any symmetry. */
function picture(channels: 1 | 3 | 4, width = WIDTH, height = HEIGHT): Sharp {
  const pixels = Buffer.alloc(width * height * channels);
  for (let i = 0; i < pixels.length; i++) {
    const c = i % channels;
    const x = Math.floor(i / channels) % width;
    const y = Math.floor(i / channels / width);
    pixels[i] = 128 + 90 * Math.sin((x * (c + 1)) / 19 + y / 11) + (x > y ? 30 : 0);
  }
  return sharp(pixels, { raw: { width, height, channels } });
}

/** RGB of the upright picture by the code under test: resized to its own size, which changes nothing. */
async function ours(file: Buffer, width: number, height: number): Promise<Uint8Array> {
  const input: ModelInput = {
    width,
    height,
    channels: 'rgb',
    resize: { rule: 'stretch', width, height, filter: 'nearest' },
    scale: [1],
    offset: [0],
  };
  return preprocess(file, input, { jpeg }, budget);
}

async function theirs(file: Buffer) {
  return sharp(file)
    .autoOrient()
    .flatten({ background: 'white' })
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
}

async function largestDifference(file: Buffer): Promise<number> {
  const { data, info } = await theirs(file);
  const pixels = await ours(file, info.width, info.height);
  const rgb =
    info.channels === 3 ? data : Buffer.from(pixels.map((_, i) => data[Math.floor(i / 3) * info.channels] ?? 0));
  expect(pixels.length).toBe(rgb.length);
  return pixels.reduce((most, value, i) => Math.max(most, Math.abs(value - (rgb[i] ?? 0))), 0);
}

describe('JPEG equals libjpeg-turbo', () => {
  const cases = ['4:4:4', '4:2:0'].flatMap((chromaSubsampling) =>
    [false, true].flatMap((progressive) => [60, 95].map((quality) => ({ chromaSubsampling, progressive, quality }))),
  );
  it.each(cases)('$chromaSubsampling, progressive $progressive, quality $quality', async (options) => {
    expect(await largestDifference(await picture(3).jpeg(options).toBuffer())).toBeLessThanOrEqual(2);
  });

  it('grey', async () => {
    expect(await largestDifference(await picture(1).toColourspace('b-w').jpeg().toBuffer())).toBeLessThanOrEqual(2);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('orientation %d', async (orientation) => {
    const file = await picture(3).jpeg({ quality: 95 }).withMetadata({ orientation }).toBuffer();
    expect((await sharp(file).metadata()).orientation).toBe(orientation);
    expect(await largestDifference(file)).toBeLessThanOrEqual(2);
  });

  it('one pixel, and odd sizes', async () => {
    for (const [width, height] of [
      [1, 1],
      [1, 40],
      [17, 3],
      [33, 31],
    ] as const) {
      expect(await largestDifference(await picture(3, width, height).jpeg().toBuffer())).toBeLessThanOrEqual(2);
    }
  });
});

describe('PNG equals libpng', () => {
  const cases = [false, true].flatMap((progressive) =>
    [0, 1, 6, 9].flatMap((compressionLevel) =>
      [false, true].map((adaptiveFiltering) => ({ progressive, compressionLevel, adaptiveFiltering })),
    ),
  );
  it.each(cases)('interlaced $progressive, level $compressionLevel, filters $adaptiveFiltering', async (options) => {
    for (const channels of [1, 3, 4] as const) {
      expect(await largestDifference(await picture(channels).png(options).toBuffer())).toBeLessThanOrEqual(
        channels === 4 ? 1 : 0,
      );
    }
  });

  it.each([2, 4, 16, 256])('palette of %d colours', async (colours) => {
    expect(await largestDifference(await picture(3).png({ palette: true, colours }).toBuffer())).toBe(0);
    expect(await largestDifference(await picture(4).png({ palette: true, colours }).toBuffer())).toBeLessThanOrEqual(1);
  });

  it('larger than the window of deflate', async () => {
    expect(await largestDifference(await picture(3, 700, 300).png().toBuffer())).toBe(0);
  });
});

describe('resize', () => {
  it.each([
    [224, 160],
    [150, 100],
  ] as const)("bilinear is sharp's linear kernel to %d x %d", async (width, height) => {
    const source = await picture(3, 400, 300).png().toBuffer();
    const expected = await sharp(source).resize(width, height, { kernel: 'linear', fit: 'fill' }).raw().toBuffer();
    const resized = await preprocess(
      source,
      {
        width,
        height,
        channels: 'rgb',
        resize: { rule: 'stretch', width, height, filter: 'bilinear' },
        scale: [1],
        offset: [0],
      },
      { jpeg },
      budget,
    );
    const mean = resized.reduce((sum, value, i) => sum + Math.abs(value - (expected[i] ?? 0)), 0) / expected.length;
    expect(mean).toBeLessThan(1);
  });
});
