/** Antialiasing filters; `area` is a box, `bicubic` is Keys' with a = -0.5 (Keys 1981). */
export type Filter = 'bilinear' | 'bicubic' | 'area';

/** Weights of one axis in 22-bit fixed point: Pillow's arithmetic, so that results are equal. */
export interface Taps {
  /** Per output: the first input that counts, and how many do. */
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** int32 `[outputs, stride]`. */
  readonly weights: Int32Array;
  readonly stride: number;
}

/** 32 bits less 8 of the pixel and 2 for sums outside 0…255. */
const PRECISION = 22;
/** What a sum begins with, so that dropping the fraction rounds. */
export const HALF = 1 << (PRECISION - 1);

/** A sum of pixels times weights as a pixel. */
export function clip8(sum: number): number {
  const value = sum >> PRECISION;
  return Math.max(0, Math.min(value, 255));
}

const SUPPORT: Readonly<Record<Filter, number>> = { area: 0.5, bilinear: 1, bicubic: 2 };

function evaluate(filter: Filter, position: number): number {
  const x = Math.abs(position);
  switch (filter) {
    case 'area':
      return position > -0.5 && position <= 0.5 ? 1 : 0;
    case 'bilinear':
      return x < 1 ? 1 - x : 0;
    case 'bicubic':
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
  }
}

/** Most inputs that one output can have. */
function strideOf(from: number, to: number, filter: Filter): number {
  return Math.ceil(SUPPORT[filter] * Math.max(1, from / to)) * 2 + 1;
}

/** Bytes of {@link tapsOf}. */
export function tapsBytes(from: number, to: number, filter: Filter, count: number): number {
  return count * (strideOf(from, to, filter) + 2) * 4;
}

/**
 * Weights that scale `from` pixels to `to`, for the outputs `start … start + count - 1`. When scaling down, the
 * filter is stretched by the scale, which is what antialiases.
 * @param extent given where the pixels are means over a finer picture: how many of them that makes, if not a whole
 *   number. `area` then takes what of each pixel lies inside, which Pillow's BOX does not.
 */
export function tapsOf(from: number, to: number, filter: Filter, start: number, count: number, extent?: number): Taps {
  const scale = (extent ?? from) / to;
  const covers = filter === 'area' && extent !== undefined;
  const stretch = Math.max(1, scale);
  const support = SUPPORT[filter] * stretch;
  const stride = strideOf(from, to, filter);
  const taps = {
    first: new Int32Array(count),
    count: new Int32Array(count),
    weights: new Int32Array(count * stride),
    stride,
  };
  const exact = new Float64Array(stride);
  for (let i = 0; i < count; i++) {
    const centre = (start + i + 0.5) * scale;
    const [left, right] = [centre - support, centre + support];
    const first = Math.max(0, covers ? Math.floor(left) : Math.trunc(left + 0.5));
    const length = Math.min(from, covers ? Math.ceil(right) : Math.trunc(right + 0.5)) - first;
    let total = 0;
    for (let k = 0; k < length; k++) {
      const x = k + first;
      exact[k] = covers
        ? Math.min(x + 1, right) - Math.max(x, left)
        : evaluate(filter, (x - centre + 0.5) * (1 / stretch));
      total += exact[k] as number;
    }
    for (let k = 0; k < length; k++) {
      const weight = (total === 0 ? (exact[k] as number) : (exact[k] as number) / total) * (1 << PRECISION);
      taps.weights[i * stride + k] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    taps.first[i] = first;
    taps.count[i] = length;
  }
  return taps;
}
