import { describe, expect, it } from 'vitest';
import type { ModelInput } from '../../../functions/catalogue/manifest.ts';
import { frameOf } from '../../../functions/image/frame.ts';
import { preprocessRaster } from '../../../functions/image/preprocess.ts';
import type { Raster } from '../../../functions/image/rows.ts';

/** A bright square of `side` with its middle at (x, y), on dark grey. */
function spot(width: number, height: number, x: number, y: number, side: number, background = 40): Raster {
  const data = new Uint8Array(width * height).fill(background);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const near = Math.abs(column + 0.5 - x) <= side / 2 && Math.abs(row + 0.5 - y) <= side / 2;
      if (near) data[row * width + column] = 250;
    }
  }
  return { width, height, channels: 1, data };
}

/** Middle of what is brighter than the background, as a share of the input's sides. */
function middle(pixels: Uint8Array, width: number, height: number, background: number): [x: number, y: number] {
  let [sum, across, down] = [0, 0, 0];
  pixels.forEach((pixel, i) => {
    const light = Math.max(0, pixel - background);
    sum += light;
    across += light * ((i % width) + 0.5);
    down += light * (Math.floor(i / width) + 0.5);
  });
  return [across / sum / width, down / sum / height];
}

const grey = { channels: 'grey' as const, scale: [1], offset: [0] };
const INPUTS: readonly (readonly [name: string, width: number, height: number, input: ModelInput])[] = [
  [
    'stretched',
    300,
    200,
    { ...grey, width: 64, height: 48, resize: { rule: 'stretch', width: 64, height: 48, filter: 'bilinear' } },
  ],
  [
    'stretched, then the centre',
    300,
    200,
    { ...grey, width: 64, height: 40, resize: { rule: 'stretch', width: 80, height: 90, filter: 'bilinear' } },
  ],
  [
    'shorter side of a wide picture',
    330,
    200,
    { ...grey, width: 56, height: 56, resize: { rule: 'shorter-side', size: 64, filter: 'bilinear' } },
  ],
  [
    'shorter side of a tall picture',
    200,
    417,
    { ...grey, width: 56, height: 56, resize: { rule: 'shorter-side', size: 64, filter: 'bilinear' } },
  ],
];

describe('where the input lies in the picture', () => {
  it.each(INPUTS)('%s: what is at a place there is at that place here', (_, width, height, input) => {
    for (const [x, y] of [
      [width / 2 - 20, height / 2 + 31],
      [width / 2 + 37, height / 2 - 25],
    ] as const) {
      const picture = spot(width, height, x, y, 12);
      const { seen, picture: size } = frameOf(picture, input);
      expect(size).toEqual({ width, height });
      const [across, down] = middle(preprocessRaster(picture, input), input.width, input.height, 41);
      // To within half a pixel of the model's input.
      expect(Math.abs(seen.left + across * seen.width - x)).toBeLessThan((0.5 * seen.width) / input.width);
      expect(Math.abs(seen.top + down * seen.height - y)).toBeLessThan((0.5 * seen.height) / input.height);
    }
  });

  it('is known in figures for the preset of torchvision', () => {
    // 499x397 → 321x256 (Resize), then columns 48 … 271 and rows 16 … 239 (CenterCrop): 97 / 2 is rounded to even.
    const { seen } = frameOf(spot(499, 397, 1, 1, 1), {
      ...grey,
      ...{ width: 224, height: 224, resize: { rule: 'shorter-side', size: 256, filter: 'bilinear' } },
    });
    expect(seen.left).toBeCloseTo((48 * 499) / 321, 9);
    expect(seen.width).toBeCloseTo((224 * 499) / 321, 9);
    expect(seen.top).toBeCloseTo((16 * 397) / 256, 9);
    expect(seen.height).toBeCloseTo((224 * 397) / 256, 9);
  });

  const fashion: ModelInput = { ...grey, width: 28, height: 28, resize: { rule: 'fashion' } };

  it('is the square around a garment, which may reach beyond the picture', () => {
    // 40 wide and 160 tall, on dark: scaled to 7x28, ten columns of background on the left.
    const data = new Uint8Array(100 * 200);
    for (let y = 20; y < 180; y++) data.fill(200, y * 100 + 5, y * 100 + 45);
    // A bright corner of the garment, to be found again.
    for (let y = 20; y < 60; y++) data.fill(255, y * 100 + 5, y * 100 + 25);
    const { seen } = frameOf({ width: 100, height: 200, channels: 1, data }, fashion);
    expect(seen).toEqual({ left: 5 - (10 * 160) / 28, top: 20, width: 160, height: 160 });
    const pixels = preprocessRaster({ width: 100, height: 200, channels: 1, data }, fashion);
    const [across, down] = middle(pixels, 28, 28, 210);
    expect(Math.abs(seen.left + across * seen.width - 15)).toBeLessThan(160 / 28);
    expect(Math.abs(seen.top + down * seen.height - 40)).toBeLessThan(160 / 28);
  });

  it('is all of a picture of the data set', () => {
    const small = spot(28, 28, 9, 9, 4);
    expect(frameOf(small, fashion).seen).toEqual({ left: 0, top: 0, width: 28, height: 28 });
  });
});
