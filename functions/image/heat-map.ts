import type { Frame } from './frame.ts';
import type { IndexedPicture, Rgba } from './png/encode.ts';

/** Heat over the model's input: `values` is `[height, width]`, 0 (none) to 1, in cells of equal size. */
export interface Heat {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

/** Pixels of the longer side: heat is smooth, and whoever lays it over a picture scales it. */
const LONGER_SIDE = 192;

/** The first two colours are what the model does not see, hatched; then heat, from none to most. */
const UNSEEN: readonly Rgba[] = [
  [96, 96, 96, 190],
  [190, 190, 190, 190],
];
const HATCH = { period: 8, line: 2 };
const LEVELS = 126;
/** Of matplotlib's "inferno", whose lightness grows evenly; also told apart by the colour-blind. */
const INFERNO: readonly Rgba[] = [
  [0, 0, 4, 110],
  [87, 16, 110, 120],
  [188, 55, 84, 130],
  [249, 142, 9, 145],
  [252, 255, 164, 160],
];
const PALETTE: readonly Rgba[] = [...UNSEEN, ...Array.from({ length: LEVELS }, (_, level) => heatColour(level))];

function heatColour(level: number): Rgba {
  const at = (level / (LEVELS - 1)) * (INFERNO.length - 1);
  const index = Math.min(Math.floor(at), INFERNO.length - 2);
  const [from, to] = [INFERNO[index] ?? [0, 0, 0, 0], INFERNO[index + 1] ?? [0, 0, 0, 0]];
  const mix = (c: 0 | 1 | 2 | 3) => Math.round(from[c] + (to[c] - from[c]) * (at - index));
  return [mix(0), mix(1), mix(2), mix(3)];
}

/** Translucent, in the proportions of the upright picture, to be laid over it. Between the cells' middles heat is bilinear. */
export function heatMap(heat: Heat, { picture, seen }: Frame): IndexedPicture {
  const scale = LONGER_SIDE / Math.max(picture.width, picture.height);
  const width = Math.max(1, Math.round(picture.width * scale));
  const height = Math.max(1, Math.round(picture.height * scale));
  const indices = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const down = (((y + 0.5) / height) * picture.height - seen.top) / seen.height;
    for (let x = 0; x < width; x++) {
      const across = (((x + 0.5) / width) * picture.width - seen.left) / seen.width;
      const inside = across >= 0 && across < 1 && down >= 0 && down < 1;
      const hatched = (x + y) % HATCH.period < HATCH.line ? 1 : 0;
      indices[y * width + x] = inside ? UNSEEN.length + Math.round(heatAt(heat, across, down) * (LEVELS - 1)) : hatched;
    }
  }
  return { width, height, indices, palette: PALETTE };
}

function heatAt({ width, height, values }: Heat, across: number, down: number): number {
  const [left, right, x] = between(across, width);
  const [top, bottom, y] = between(down, height);
  const value = (column: number, row: number) => values[row * width + column] as number;
  const upper = value(left, top) * (1 - x) + value(right, top) * x;
  const lower = value(left, bottom) * (1 - x) + value(right, bottom) * x;
  return upper * (1 - y) + lower * y;
}

/** The two cells whose middles lie around a place from 0 to 1, and how far it is from the first to the second. */
function between(place: number, cells: number): readonly [first: number, second: number, share: number] {
  const at = Math.min(Math.max(place * cells - 0.5, 0), cells - 1);
  const first = Math.floor(at);
  return [first, Math.min(first + 1, cells - 1), at - first];
}

/** The middle of the hottest cell, in pixels of the upright picture. */
export function hottest({ width, height, values }: Heat, { picture, seen }: Frame): { x: number; y: number } {
  const cell = values.reduce((best, value, index) => (value > (values[best] as number) ? index : best), 0);
  const x = seen.left + (((cell % width) + 0.5) / width) * seen.width;
  const y = seen.top + ((Math.floor(cell / width) + 0.5) / height) * seen.height;
  const within = (value: number, length: number) => Math.min(Math.max(Math.floor(value), 0), length - 1);
  return { x: within(x, picture.width), y: within(y, picture.height) };
}
