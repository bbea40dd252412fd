import { describe, expect, it } from 'vitest';
import { fashion } from '../../../functions/image/fashion.ts';
import type { Raster } from '../../../functions/image/rows.ts';

type Colour = readonly [number, number, number];

/** A picture painted by a function of the pixel. */
function paint(width: number, height: number, colour: (x: number, y: number) => Colour): Raster {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) data.set(colour(i % width, Math.floor(i / width)), i * 3);
  return { width, height, channels: 3, data };
}

const row = ({ data }: Raster, y: number) => [...data.subarray(y * 28, (y + 1) * 28)];
const column = ({ data }: Raster, x: number) => [...data].filter((_, i) => i % 28 === x);

describe('a 28x28 picture without colour', () => {
  const grey = {
    width: 28,
    height: 28,
    channels: 1,
    data: Uint8Array.from({ length: 784 }, (_, i) => (i * 37) & 255),
  } as const;

  it('passes through untouched, as grey and as RGB', () => {
    expect(fashion(grey)).toEqual(grey);
    const rgb = paint(28, 28, (x, y) => [0, 1, 2].map(() => grey.data[y * 28 + x]) as unknown as Colour);
    expect(fashion(rgb)).toEqual(grey);
  });

  it('also where its background is light', () => {
    const light = { ...grey, data: new Uint8Array(784).fill(240).fill(20, 300, 500) };
    expect(fashion(light)).toEqual(light);
  });
});

describe('a photo', () => {
  it('is trimmed, centred and negated: a dark garment on white', () => {
    /** 40 wide, 80 high, off the centre, in a picture of 200 x 150. */
    const photo = paint(200, 150, (x, y) => (x >= 20 && x < 60 && y >= 50 && y < 130 ? [40, 40, 40] : [255, 255, 255]));
    const small = fashion(photo);
    const line = [...Array(7).fill(0), ...Array(14).fill(215), ...Array(7).fill(0)];
    for (let y = 0; y < 28; y++) expect(row(small, y)).toEqual(line);
  });

  it('on black is not negated; the longer side may be the width', () => {
    const small = fashion(
      paint(300, 300, (x, y) => (x >= 10 && x < 290 && y >= 100 && y < 170 ? [200, 200, 200] : [3, 0, 3])),
    );
    const line = [...Array(10).fill(1), ...Array(7).fill(200), ...Array(11).fill(1)];
    for (let x = 0; x < 28; x++) expect(column(small, x)).toEqual(line);
  });

  it('takes colours close to the background for background, others not', () => {
    const noisy = (x: number, y: number): Colour => [240 + ((x * 7 + y * 5) % 10), 240, 240];
    const small = fashion(
      paint(100, 100, (x, y) => (x >= 30 && x < 70 && y >= 30 && y < 70 ? [200, 30, 30] : noisy(x, y))),
    );
    expect(new Set(small.data).size).toBe(1);
    /** 255 less the luma 0.299 · 200 + 0.587 · 30 + 0.114 · 30. */
    expect(small.data[0]).toBe(255 - 81);
  });

  it('may reach into one corner', () => {
    const small = fashion(paint(112, 112, (x, y) => (x < 56 && y < 56 ? [0, 0, 0] : [250, 250, 250])));
    expect([...new Set(small.data)]).toEqual([255]);
  });

  it('averages areas', () => {
    const small = fashion(
      paint(60, 60, (x, y) =>
        x < 2 || y < 2 || x > 57 || y > 57 ? [0, 0, 0] : (x + y) % 2 ? [255, 255, 255] : [101, 101, 101],
      ),
    );
    expect(small.data.every((value) => value === 178)).toBe(true);
  });

  it('of 28x28 is prepared too where it has colour', () => {
    const small = fashion(
      paint(28, 28, (x, y) => (x >= 7 && x < 21 && y >= 7 && y < 21 ? [255, 0, 0] : [255, 255, 255])),
    );
    expect([...new Set(small.data)]).toEqual([255 - 76]);
  });

  it('of one colour, and of one pixel, has an answer', () => {
    expect([...new Set(fashion(paint(50, 10, () => [255, 255, 255])).data)]).toEqual([0]);
    expect([...new Set(fashion(paint(1, 1, () => [9, 9, 9])).data)]).toEqual([9]);
  });

  it('as thin as a thread keeps one pixel of it', () => {
    const small = fashion(paint(100, 2_000, (x, y) => (x === 50 && y > 10 && y < 1_990 ? [0, 0, 0] : [255, 255, 255])));
    expect(row(small, 14).filter((value) => value > 0)).toEqual([255]);
  });
});
