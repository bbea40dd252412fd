import type { Histogram } from './histogram.ts';

/** real = (q − zero) · scale, q 0…levels. Zero is always one of the values: pads and ReLU need it exact. */
export interface Quantization {
  readonly scale: number;
  readonly zero: number;
  readonly levels: Levels;
}

/** The largest number of 7 bits, and of 8. */
export type Levels = 127 | 255;

/**
 * How the range of a tensor is found. `percentile` leaves out a 1/10,000 of the values; `mse` weighs clipping against
 * rounding, and `weighted-mse` does so with each channel counted for what its errors do to the output.
 */
export type RangeMethod = 'mse' | 'weighted-mse' | 'percentile';

const PERCENTILE = 0.9999;
/** Shares of the full range that the search looks at. */
const STEPS = 48;

/** The grid over low…high; both are widened to hold zero. */
export function quantizationOf(low: number, high: number, levels: Levels = 127): Quantization {
  const [from, to] = [Math.min(low, 0), Math.max(high, 0)];
  if (to - from === 0) return { scale: 1, zero: 0, levels };
  const scale = Math.fround((to - from) / levels);
  return { scale, zero: Math.min(Math.max(Math.round(-from / scale), 0), levels), levels };
}

export function chooseRange(histogram: Histogram, method: RangeMethod, levels: Levels = 127): Quantization {
  const { min, max } = histogram;
  if (method === 'percentile') {
    const low = min < 0 ? histogram.quantile(1 - PERCENTILE) : 0;
    return quantizationOf(low, histogram.quantile(PERCENTILE), levels);
  }
  return leastError(histogram, Math.min(min, 0), Math.max(max, 0), levels);
}

/**
 * The grid with the least mean squared error: each end is drawn in alone while that helps, in turns (with one end at
 * zero, as after a ReLU, that is a plain search).
 */
function leastError(histogram: Histogram, min: number, max: number, levels: Levels): Quantization {
  const filled = [...histogram.filled()];
  const values = Float64Array.from(filled, ([value]) => value);
  const counts = Float64Array.from(filled, ([, count]) => count);
  let best = { low: min, high: max, error: squaredError(values, counts, quantizationOf(min, max, levels)) };
  for (let turn = 0; turn < 3; turn++) {
    const before = best.error;
    for (let step = 1; step <= STEPS; step++) {
      const share = step / STEPS;
      for (const [low, high] of [
        [best.low, max * share],
        [min * share, best.high],
        [min * share, max * share],
      ] as const) {
        const error = squaredError(values, counts, quantizationOf(low, high, levels));
        if (error < best.error) best = { low, high, error };
      }
    }
    if (best.error === before) break;
  }
  return quantizationOf(best.low, best.high, levels);
}

function squaredError(values: Float64Array, counts: Float64Array, { scale, zero, levels }: Quantization): number {
  let sum = 0;
  for (let index = 0; index < values.length; index++) {
    const value = values[index] ?? 0;
    const q = Math.min(Math.max(Math.round(value / scale) + zero, 0), levels);
    const error = value - (q - zero) * scale;
    sum += error * error * (counts[index] ?? 0);
  }
  return sum;
}
