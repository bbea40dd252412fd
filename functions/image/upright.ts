import type { Orientation } from './exif.ts';
import type { Raster } from './rows.ts';

/** A picture as a decoder gives it: uint8 `[height, width, channels]`; a fourth channel is not looked at. */
export interface Stored {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** Where the upright picture's pixel (0, 0) lies in the stored one, and the steps from there along its x and y. */
function walk({ width, height }: Stored, orientation: Orientation): readonly [start: number, x: number, y: number] {
  const last = width * height - 1;
  switch (orientation) {
    case 1:
      return [0, 1, width];
    case 2:
      return [width - 1, -1, width];
    case 3:
      return [last, -1, -width];
    case 4:
      return [last - width + 1, 1, -width];
    case 5:
      return [0, width, 1];
    case 6:
      return [last - width + 1, -width, 1];
    case 7:
      return [last, -width, -1];
    case 8:
      return [width - 1, width, -1];
  }
}

/** Turns and mirrors as Exif asks, and drops what of four channels is not asked for, in one pass. */
export function upright(stored: Stored, channels: 1 | 3, orientation: Orientation): Raster {
  const [start, stepX, stepY] = walk(stored, orientation);
  const turned = orientation >= 5;
  const width = turned ? stored.height : stored.width;
  const height = turned ? stored.width : stored.height;
  const { data: source, channels: pitch } = stored;
  const data = new Uint8Array(width * height * channels);
  let to = 0;
  for (let y = 0; y < height; y++) {
    let from = (start + y * stepY) * pitch;
    for (let x = 0; x < width; x++, from += stepX * pitch) {
      for (let c = 0; c < channels; c++) data[to++] = source[from + c] as number;
    }
  }
  return { width, height, channels, data };
}
