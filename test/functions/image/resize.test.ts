import { describe, expect, it } from 'vitest';
import type { ModelInput } from '../../../functions/catalogue/manifest.ts';
import { preprocessRaster } from '../../../functions/image/preprocess.ts';
import { resize } from '../../../functions/image/resize.ts';
import type { Raster } from '../../../functions/image/rows.ts';
import { CROPPED, GREY, RESIZED } from './pillow-pixels.ts';

/** The picture of test/fixtures/images/pillow.py. */
function sample(channels: 1 | 3, width = 37, height = 23): Raster {
  const data = new Uint8Array(width * height * channels);
  for (let i = 0; i < data.length; i++) {
    const c = i % channels;
    const x = Math.floor(i / channels) % width;
    const y = Math.floor(i / channels / width);
    data[i] = (x * x * 7 + y * 13 + c * 101 + ((x * y * 31) % 97) * 3) % 256;
  }
  return { width, height, channels, data };
}

const bytes = (base64: string) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
const whole = (width: number, height: number) => ({ left: 0, top: 0, width, height });
const input = (part: Pick<ModelInput, 'width' | 'height' | 'channels' | 'resize'>): ModelInput => ({
  ...part,
  scale: [1],
  offset: [0],
});

describe('resize', () => {
  it.each(RESIZED)('$filter to $width x $height, $channels channels, is Pillow to the bit', (wanted) => {
    const { channels, width, height, filter, pixels } = wanted;
    expect(resize(sample(channels), wanted, filter, whole(width, height)).data).toEqual(bytes(pixels));
  });

  it.each(['nearest', 'bilinear', 'bicubic', 'area'] as const)('%s to the same size changes nothing', (filter) => {
    expect(resize(sample(3), { width: 37, height: 23 }, filter, whole(37, 23)).data).toEqual(sample(3).data);
  });

  it.each(['nearest', 'bilinear', 'bicubic', 'area'] as const)('a window of %s is a part of the whole', (filter) => {
    const size = { width: 20, height: 31 };
    const { data } = resize(sample(3), size, filter, whole(20, 31));
    const part = resize(sample(3), size, filter, { left: 7, top: 9, width: 5, height: 4 }).data;
    const expected = [9, 10, 11, 12].flatMap((y) => [...data.subarray((y * 20 + 7) * 3, (y * 20 + 12) * 3)]);
    expect([...part]).toEqual(expected);
  });

  it('scales a tall sliver down first, which differs by at most one level', () => {
    const sliver = sample(3, 2, 8_000);
    const size = { width: 64, height: 64 };
    const across = resize(sliver, { width: 64, height: 8_000 }, 'bilinear', whole(64, 8_000));
    const expected = resize(across, size, 'bilinear', whole(64, 64)).data;
    const differences = resize(sliver, size, 'bilinear', whole(64, 64)).data.map((v, i) =>
      Math.abs(v - (expected[i] ?? 99)),
    );
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
  });
});

describe('preprocessRaster', () => {
  it.each(CROPPED)('shorter side to $size, centre $side, as torchvision', ({ size, side, pixels }) => {
    const how = { rule: 'shorter-side', size, filter: 'bilinear' } as const;
    const out = preprocessRaster(sample(3), input({ width: side, height: side, channels: 'rgb', resize: how }));
    expect(out).toEqual(bytes(pixels));
  });

  const same = { rule: 'stretch', width: 37, height: 23, filter: 'bicubic' } as const;

  it("makes grey by Pillow's luma", () => {
    const out = preprocessRaster(sample(3), input({ width: 37, height: 23, channels: 'grey', resize: same }));
    expect(out).toEqual(bytes(GREY));
  });

  it('gives the channels in the order of the tensor, and leaves the raster alone', () => {
    const raster = sample(3);
    const out = preprocessRaster(raster, input({ width: 37, height: 23, channels: 'bgr', resize: same }));
    expect([...out.subarray(0, 6)]).toEqual([2, 1, 0, 5, 4, 3].map((i) => raster.data[i]));
    expect(raster).toEqual(sample(3));
  });

  it('repeats grey for a network of three channels', () => {
    const out = preprocessRaster(sample(1), input({ width: 37, height: 23, channels: 'rgb', resize: same }));
    expect([...out.subarray(0, 6)]).toEqual([0, 0, 0, 1, 1, 1].map((i) => sample(1).data[i]));
  });

  it('crops the centre of a stretched picture', () => {
    const how = { rule: 'stretch', width: 32, height: 32, filter: 'area' } as const;
    const out = preprocessRaster(sample(1), input({ width: 28, height: 28, channels: 'grey', resize: how }));
    const { data } = resize(sample(1), how, 'area', whole(32, 32));
    expect([...out.subarray(0, 28)]).toEqual([...data.subarray(2 * 32 + 2, 2 * 32 + 30)]);
  });
});
