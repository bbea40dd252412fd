import sharp from 'sharp';
import { expect, it } from 'vitest';
import { encodePng, type Rgba } from '../../../functions/image/png/encode.ts';

/** As another decoder, libspng in sharp, reads it. */
it.each([
  [7, 5, 256],
  [1, 1, 1],
  [192, 107, 128],
  [300, 1, 3],
])('writes a PNG of %ix%i and %i colours that libspng reads to the same colours', async (width, height, colours) => {
  const palette = Array.from({ length: colours }, (_, i): Rgba => [i, (i * 7) % 256, 255 - i, (i * 31) % 256]);
  const indices = Uint8Array.from({ length: width * height }, (_, i) => (i * i + 3 * i) % colours);
  const png = await encodePng({ width, height, indices, palette });
  const { data, info } = await sharp(png).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([width, height]);
  expect([...data]).toEqual(Array.from(indices).flatMap((index) => [...(palette[index] ?? [])]));
});

it('makes smooth pictures small', async () => {
  const wave = (i: number) => 60 + 60 * Math.sin((i % 192) / 30) * Math.cos(i / 192 / 40);
  const indices = Uint8Array.from({ length: 192 * 192 }, (_, i) => wave(i));
  const palette = Array.from({ length: 128 }, (_, i): Rgba => [i, i, i, 255]);
  const png = await encodePng({ width: 192, height: 192, indices, palette });
  expect(png.length).toBeLessThan(192 * 192 * 0.2);
});
