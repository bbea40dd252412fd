import { readFileSync } from 'node:fs';
import path from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { ServiceError } from '../../../functions/errors.ts';
import { decodeRows } from '../../../functions/image/jpeg/decode.ts';
import { Kernel } from '../../../functions/image/jpeg/kernel.ts';
import { readJpegHeader } from '../../../functions/image/jpeg/markers.ts';
import { planOf, type Side } from '../../../functions/image/jpeg/plan.ts';
import { preprocess, preprocessRaster } from '../../../functions/image/preprocess.ts';
import { MemoryBudget } from '../../../functions/memory-budget.ts';
import { presetInput } from '../../../training/compile/presets.ts';

const jpeg = new WebAssembly.Module(
  readFileSync(path.join(import.meta.dirname, '../../../functions/image/jpeg/build/decoder.wasm')),
);
const kernel = new Kernel(jpeg);

/** Detail of every size, in colour, the same each time. */
function picture(width: number, height: number): Sharp {
  const data = Buffer.alloc(width * height * 3);
  let noise = 1;
  for (let i = 0; i < data.length; i++) {
    const [c, x, y] = [i % 3, Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) >>> 0;
    const wave = Math.sin((x * (c + 2)) / 37) + Math.sin((y * (4 - c)) / 23) + Math.sin((x * y) / 4_000);
    data[i] = Math.max(0, Math.min(255, 128 + 38 * wave + (noise >>> 24) / 16));
  }
  return sharp(data, { raw: { width, height, channels: 3 } });
}

function decoded(file: Uint8Array, side: Side) {
  const header = readJpegHeader(file);
  const plan = planOf(header, side);
  const { width, height } = plan.output;
  const data = new Uint8Array(width * height * header.channels);
  let y = 0;
  decodeRows(kernel, file, header, plan, { row: (pixels) => data.set(pixels, y++ * pixels.length) });
  return { width, height, channels: header.channels, data };
}

function meanDifference(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? 0)), 0) / a.length;
}

const SIZES = [
  [1, 1],
  [7, 5],
  [16, 16],
  [33, 31],
  [100, 75],
  [257, 190],
] as const;

describe('equal to libjpeg-turbo to the last bit', () => {
  for (const [width, height] of SIZES) {
    for (const progressive of [false, true]) {
      it.each(['4:4:4', '4:2:0'])(`${width}x${height}, progressive ${progressive}, %s`, async (chromaSubsampling) => {
        for (const quality of [10, 60, 90, 100]) {
          const file = await picture(width, height).jpeg({ quality, progressive, chromaSubsampling }).toBuffer();
          const expected = await sharp(file).raw().toBuffer();
          expect(Buffer.compare(decoded(file, 8).data, expected), `quality ${quality}`).toBe(0);
        }
      });
    }
  }
});

const input = presetInput('imagenet-torch', [224, 224, 3]);

describe('reduced while decoding', () => {
  it.each([
    [2064, 1548, false],
    [2064, 1548, true],
    [1201, 803, false],
    [803, 1201, true],
  ])('%ix%i, progressive %s: as the full picture, within 2 levels', async (width, height, progressive) => {
    for (const chromaSubsampling of ['4:4:4', '4:2:0']) {
      const file = await picture(width, height).jpeg({ quality: 90, progressive, chromaSubsampling }).toBuffer();
      const budget = new MemoryBudget(4_000_000);
      const ours = await preprocess(file, input, { jpeg }, budget);
      const full = preprocessRaster(decoded(file, 8), input);
      expect(meanDifference(ours, full)).toBeLessThan(2);
    }
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('orientation %i stands upright, as sharp turns it', async (orientation) => {
    const file = await picture(1000, 700).jpeg({ quality: 95 }).withMetadata({ orientation }).toBuffer();
    const ours = await preprocess(file, input, { jpeg }, new MemoryBudget(4_000_000));
    const { data, info } = await sharp(file).autoOrient().raw().toBuffer({ resolveWithObject: true });
    const turned = { width: info.width, height: info.height, channels: 3, data: new Uint8Array(data) } as const;
    expect(meanDifference(ours, preprocessRaster(turned, input))).toBeLessThan(2);
  });

  it('100 megapixels in 4 MB', async () => {
    const pixel = { r: 200, g: 100, b: 50 };
    const create = { width: 12_000, height: 8_400, channels: 3 as const, background: pixel };
    const file = await sharp({ create }).jpeg({ quality: 80 }).toBuffer();
    const ours = await preprocess(file, input, { jpeg }, new MemoryBudget(4_000_000));
    for (const [i, value] of [200, 100, 50].entries()) expect(Math.abs((ours[i] ?? 0) - value)).toBeLessThan(4);
  }, 30_000);
});

describe('damage', () => {
  it('of any byte ends in a picture or a clear refusal, soon, in the memory that was planned', async () => {
    const files = await Promise.all(
      [false, true].flatMap((progressive) =>
        [64, 150].map((side) => picture(side, side).jpeg({ quality: 50, progressive }).toBuffer()),
      ),
    );
    const before = kernel.heldBytes;
    let seed = 7;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % below;
    };
    let refused = 0;
    for (let i = 0; i < 3_000; i++) {
      const file = new Uint8Array(files[i % files.length] as Buffer);
      for (let k = random(6); k >= 0; k--) file[2 + random(file.length - 2)] = random(256);
      const started = performance.now();
      try {
        const plan = planOf(readJpegHeader(file), 8);
        if (plan.totalBytes > 16_000_000) continue;
        decoded(file, ([1, 2, 4, 8] as const)[i % 4] ?? 8);
      } catch (error) {
        expect(error).toBeInstanceOf(ServiceError);
        refused++;
      }
      expect(performance.now() - started).toBeLessThan(2_000);
    }
    expect(refused).toBeGreaterThan(300);
    expect(kernel.heldBytes).toBeLessThanOrEqual(Math.max(before, 16_000_000 + 65_536));
    const sound = files[0] as Buffer;
    expect(Buffer.compare(decoded(sound, 8).data, await sharp(sound).raw().toBuffer())).toBe(0);
  }, 60_000);
});
