import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeRows } from '../../../functions/image/jpeg/decode.ts';
import { Kernel } from '../../../functions/image/jpeg/kernel.ts';
import { readJpegHeader } from '../../../functions/image/jpeg/markers.ts';
import { planOf, type Side } from '../../../functions/image/jpeg/plan.ts';
import type { Raster } from '../../../functions/image/rows.ts';
import { shared } from '../../fixtures/shared.ts';
import { type WrittenComponent, writeJpeg } from './jpeg-writer.ts';

const kernel = new Kernel(
  new WebAssembly.Module(
    readFileSync(path.join(import.meta.dirname, '../../../functions/image/jpeg/build/decoder.wasm')),
  ),
);

function decoded(file: Uint8Array, side: Side): Raster {
  const header = readJpegHeader(file);
  const plan = planOf(header, side);
  const { width, height } = plan.output;
  const data = new Uint8Array(width * height * header.channels);
  let y = 0;
  decodeRows(kernel, file, header, plan, { row: (pixels) => data.set(pixels, y++ * pixels.length) });
  expect(y).toBe(height);
  return { width, height, channels: header.channels, data };
}

async function turbo(file: Uint8Array, channels: 1 | 3): Promise<Raster> {
  const decoder = sharp(file).toColourspace(channels === 1 ? 'b-w' : 'srgb');
  const { data, info } = await decoder.raw().toBuffer({ resolveWithObject: true });
  expect(info.channels).toBe(channels);
  return { width: info.width, height: info.height, channels, data };
}

function psnr(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  const squares = a.reduce((sum, value, i) => sum + (value - (b[i] ?? 0)) ** 2, 0);
  return squares === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10((255 ** 2 * a.length) / squares);
}

/** Waves, edges and noise that differ from component to component. */
function sampleOf(c: number) {
  return (x: number, y: number): number => {
    const noise = (Math.imul(x * 7_919 + y * 104_729 + c * 31, 1_103_515_245) >>> 8) % 32;
    const wave = Math.sin((x * (c + 2)) / 11) + Math.sin((y * (4 - c)) / 7) + (x > y ? 0.6 : 0);
    return Math.max(0, Math.min(255, 128 + 45 * wave + noise - 16));
  };
}

/** Sampling factors of the components. */
const SAMPLINGS: Readonly<Record<string, readonly (readonly [across: number, down: number])[]>> = {
  '4:4:4': [
    [1, 1],
    [1, 1],
    [1, 1],
  ],
  '4:2:2': [
    [2, 1],
    [1, 1],
    [1, 1],
  ],
  '4:2:0': [
    [2, 2],
    [1, 1],
    [1, 1],
  ],
  '4:4:0': [
    [1, 2],
    [1, 1],
    [1, 1],
  ],
  '4:1:1': [
    [4, 1],
    [1, 1],
    [1, 1],
  ],
  '4:4:4 of factors 1x2': [
    [1, 2],
    [1, 2],
    [1, 2],
  ],
  'one colour halved': [
    [2, 2],
    [2, 1],
    [1, 1],
  ],
  grey: [[1, 1]],
};
const SIZES = [
  [1, 1],
  [2, 3],
  [8, 8],
  [17, 9],
  [16, 33],
  [65, 47],
  [257, 129],
] as const;

const componentsOf = (sampling: string): WrittenComponent[] =>
  (SAMPLINGS[sampling] ?? []).map(([across, down], c) => ({ across, down, sample: sampleOf(c) }));

describe.each(Object.keys(SAMPLINGS))('%s', (sampling) => {
  describe.each([false, true])('progressive %s', (progressive) => {
    it.each([0, 1, 5])('restart interval %i: the bits of libjpeg-turbo', async (restartInterval) => {
      for (const [width, height] of SIZES) {
        for (const quality of width * height > 10_000 ? [90] : [10, 50, 90, 100]) {
          const components = componentsOf(sampling);
          const file = writeJpeg({ width, height, components, quality, restartInterval, progressive });
          const ours = decoded(file, 8);
          const theirs = await turbo(file, ours.channels);
          const what = `${width}x${height}, quality ${quality}`;
          expect(psnr(ours.data, theirs.data), what).toBe(Number.POSITIVE_INFINITY);
        }
      }
    });
  });
});

describe.each(Object.keys(SAMPLINGS))('%s, reduced', (sampling) => {
  it.each([4, 2, 1] as const)('to %i/8: the same coefficients give the same picture, in one scan or many', (side) => {
    // Colours that lack coefficients which the light has: a block must get nothing of the one before it.
    const components = componentsOf(sampling).map((c, i) => (i === 0 ? c : { ...c, sample: (x: number) => 3 * x }));
    const [one, many] = [false, true].map((progressive) =>
      decoded(writeJpeg({ width: 65, height: 47, components, quality: 90, restartInterval: 0, progressive }), side),
    );
    expect(one?.data).toEqual(many?.data);
  });
});

describe.each(['4:4:4', '4:2:0'])('inks, the fourth at full size, %s', (sampling) => {
  it.each([0, 2] as const)('Adobe %i: the light that the inks of libjpeg-turbo leave', async (adobe) => {
    for (const progressive of [false, true]) {
      const most = Math.max(...componentsOf(sampling).map(({ across }) => across));
      const black = { across: most, down: most, sample: sampleOf(3) };
      const components = [...componentsOf(sampling), black];
      const file = writeJpeg({
        width: 65,
        height: 47,
        components,
        quality: 90,
        restartInterval: 3,
        progressive,
        adobe,
      });
      const inks = sharp(file).pipelineColourspace('cmyk').toColourspace('cmyk').raw();
      const { data, info } = await inks.toBuffer({ resolveWithObject: true });
      expect(info.channels).toBe(4);
      const light = Array.from({ length: 65 * 47 * 3 }, (_, i) => {
        const at = Math.floor(i / 3) * 4;
        return ((255 - (data[at + (i % 3)] ?? 0)) * (255 - (data[at + 3] ?? 0))) / 255;
      });
      const ours = decoded(file, 8).data;
      expect(ours.length).toBe(light.length);
      expect(Math.max(...light.map((value, i) => Math.abs(value - (ours[i] ?? 0))))).toBeLessThanOrEqual(1);
    }
  });
});

const photos = shared('data/imagenet-sample');

describe.skipIf(!photos)('reduced photos (shared data/imagenet-sample; skipped where FIXTURES_DIR lacks it)', () => {
  const names = photos ? readdirSync(photos).filter((name) => name.endsWith('.JPEG')) : [];
  const size = { width: 480, height: 368, channels: 3 } as const;

  // Colours that are halved in both directions are reduced less; in one direction they are repeated, as by libjpeg.
  it.each([
    ['4:4:4', 0.7],
    ['4:2:2', 3],
    ['4:2:0', 1],
    ['4:4:0', 3],
  ] as const)(
    '%s: the lowest coefficients of the whole picture, within %d levels in the mean',
    async (sampling, bound) => {
      const differences = new Map<Side, number>();
      for (const [turn, name] of [names[3], names[90], names[160]].entries()) {
        const photo = sharp(path.join(photos ?? '', name ?? '')).resize(size.width, size.height, { fit: 'cover' });
        const { data } = await photo.toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
        const components = planesOf({ ...size, data }, sampling);
        const [progressive, restartInterval] = [turn === 1, turn * 7];
        const file = writeJpeg({ ...size, components, quality: 90, restartInterval, progressive });
        const full = await turbo(file, 3);
        for (const side of [4, 2, 1] as const) {
          const ours = decoded(file, side);
          expect([ours.width, ours.height]).toEqual([(size.width * side) / 8, (size.height * side) / 8]);
          const difference = meanDifference(ours.data, lowest(full, side));
          differences.set(side, (differences.get(side) ?? 0) + difference / 3);
        }
      }
      for (const [side, difference] of differences) expect(difference, `${side}/8`).toBeLessThan(bound);
    },
  );
});

/** A picture of whole blocks by the lowest `side`² coefficients of each (Ng 1993): an inverse DCT of that size. */
function lowest({ width, height, channels, data }: Raster, side: number): Uint8Array {
  const cosine = (size: number, u: number, x: number) =>
    (u === 0 ? Math.SQRT1_2 : 1) * Math.sqrt(2 / size) * Math.cos(((2 * x + 1) * u * Math.PI) / (2 * size));
  const weights = Array.from({ length: side * 8 }, (_, at) => {
    let sum = 0;
    for (let u = 0; u < side; u++) sum += cosine(side, u, at >> 3) * cosine(8, u, at & 7);
    return sum * Math.sqrt(side / 8);
  });
  const stride = (width * side) / 8;
  return Uint8Array.from({ length: (stride * height * side * channels) / 8 }, (_, at) => {
    const c = at % channels;
    const [x, y] = [Math.floor(at / channels) % stride, Math.floor(at / channels / stride)];
    const [left, top] = [Math.floor(x / side) * 8, Math.floor(y / side) * 8];
    let sum = 0;
    for (let row = 0; row < 8; row++) {
      let across = 0;
      for (let column = 0; column < 8; column++) {
        const value = data[((top + row) * width + left + column) * channels + c] ?? 0;
        across += value * (weights[(x % side) * 8 + column] ?? 0);
      }
      sum += across * (weights[(y % side) * 8 + row] ?? 0);
    }
    return Math.max(0, Math.min(255, Math.round(sum)));
  });
}

/** JFIF's YCbCr of a picture, means of pixels where a component has fewer samples. */
function planesOf({ width, height, data }: Raster, sampling: string): WrittenComponent[] {
  const factors = SAMPLINGS[sampling] ?? [];
  const most = { across: Math.max(...factors.map(([h]) => h)), down: Math.max(...factors.map(([, v]) => v)) };
  const weights = [
    [0.299, 0.587, 0.114, 0],
    [-0.168736, -0.331264, 0.5, 128],
    [0.5, -0.418688, -0.081312, 128],
  ];
  return factors.map(([across, down], c) => {
    const [stepX, stepY] = [most.across / across, most.down / down];
    const [r = 0, g = 0, b = 0, middle = 0] = weights[c] ?? [];
    return {
      across,
      down,
      sample: (x, y) => {
        let sum = 0;
        for (let k = 0; k < stepX * stepY; k++) {
          const column = Math.min(x * stepX + (k % stepX), width - 1);
          const at = (Math.min(y * stepY + Math.floor(k / stepX), height - 1) * width + column) * 3;
          sum += r * (data[at] ?? 0) + g * (data[at + 1] ?? 0) + b * (data[at + 2] ?? 0) + middle;
        }
        return sum / (stepX * stepY);
      },
    };
  });
}

function meanDifference(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? 0)), 0) / a.length;
}
