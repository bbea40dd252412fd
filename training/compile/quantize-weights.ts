import type { Int8Weights } from './quantized-graph.ts';

/**
 * int8, symmetric, a scale an output channel: −127…127.
 * @param weights [..., outputs], the output channel fastest
 */
export function quantizeInt8(weights: Float32Array, outputs: number): Pick<Int8Weights, 'weights' | 'scales'> {
  const scales = largestOf(weights, outputs);
  for (const [c, largest] of scales.entries()) scales[c] = largest > 0 ? largest / 127 : 1;
  const quantized = new Int8Array(weights.length);
  for (let row = 0; row < weights.length; row += outputs) {
    for (let c = 0; c < outputs; c++) quantized[row + c] = Math.round((weights[row + c] ?? 0) / (scales[c] ?? 1));
  }
  return { weights: quantized, scales };
}

/** The largest |weight| of each output. */
function largestOf(weights: Float32Array, outputs: number): Float32Array {
  const largest = new Float32Array(outputs);
  for (let row = 0; row < weights.length; row += outputs) {
    for (let c = 0; c < outputs; c++) {
      const size = Math.abs(weights[row + c] ?? 0);
      if (size > (largest[c] ?? 0)) largest[c] = size;
    }
  }
  return largest;
}

/** Shares of the largest weight of a group that the search for its scale looks at. */
const SHRINKS = [1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7];

/**
 * 4 bits, symmetric −7…7, a scale for each `group` inputs of an output: real = w · groupScale · scale. The group
 * scale is float16 and relative to the largest of its output, so that none is too small for it. Of a few scales a
 * group takes the one with the least squared error.
 * @param weights [inputs][outputs]
 * @returns groupScales [inputs / group rounded up][outputs], already rounded to float16
 */
export function quantizeInt4(weights: Float32Array, outputs: number, group: number) {
  const inputs = weights.length / outputs;
  const groups = Math.ceil(inputs / group);
  const scales = largestOf(weights, outputs).map((largest) => (largest > 0 ? largest / 7 : 1));
  const groupScales = new Float32Array(groups * outputs);
  const quantized = new Int8Array(weights.length);
  const part = new Float32Array(group);
  // A group of all outputs stays in the cache.
  for (let g = 0; g < groups; g++) {
    const from = g * group;
    const count = Math.min(group, inputs - from);
    for (let c = 0; c < outputs; c++) {
      const scale = scales[c] ?? 1;
      for (let k = 0; k < count; k++) part[k] = (weights[(from + k) * outputs + c] ?? 0) / scale;
      const step = bestStep(part, count);
      groupScales[g * outputs + c] = step;
      for (let k = 0; k < count; k++) quantized[(from + k) * outputs + c] = rounded(part[k] ?? 0, step);
    }
  }
  return { weights: quantized, scales, groupScales };
}

function bestStep(values: Float32Array, count: number): number {
  let largest = 0;
  for (let k = 0; k < count; k++) largest = Math.max(largest, Math.abs(values[k] ?? 0));
  let best = { step: 0, error: Number.POSITIVE_INFINITY };
  for (const shrink of SHRINKS) {
    const step = toFloat16((largest / 7) * shrink);
    let error = 0;
    for (let k = 0; k < count; k++) {
      const value = values[k] ?? 0;
      error += (value - rounded(value, step) * step) ** 2;
    }
    if (error < best.error) best = { step, error };
  }
  return best.step;
}

const rounded = (value: number, step: number): number =>
  step === 0 ? 0 : Math.min(Math.max(Math.round(value / step), -7), 7);

/** The nearest float16 (ties to even) of a number in 0…65504. */
export function toFloat16(value: number): number {
  return fromFloat16Bits(float16Bits(value));
}

/** Bits of the nearest float16 of a number that is not negative: its exponent's step, in units of which it is rounded. */
export function float16Bits(value: number): number {
  if (!(value > 0)) return 0;
  const exponent = Math.max(Math.floor(Math.log2(value)), -14);
  const units = roundHalfEven(value / 2 ** (exponent - 10));
  // A carry into the next exponent, or up from the subnormals, falls out of the addition.
  return (exponent + 14) * 1024 + units;
}

export function fromFloat16Bits(bits: number): number {
  const exponent = bits >> 10;
  const mantissa = bits & 1023;
  return exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25);
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
