import { ACTIVATIONS, type EpilogueFields, type OpOf } from '../program.ts';
import type { ReferenceMemory } from './memory.ts';

/**
 * From accumulators to outputs. Every step is one float32 operation, rounded by itself: `Math.fround` of a sum,
 * product, quotient or square root of float32 values in double precision is exactly the float32 operation.
 */

const f = Math.fround;

/** Ties to even. Adding 1.5 · 2^23 leaves no bits behind the point, so float32 itself rounds. */
export const nearest = (v: number): number => f(f(v + 12_582_912) - 12_582_912);

/** NaN becomes low, as `pmin(high, pmax(low, v))` has it. */
export function clamp(v: number, low: number, high: number): number {
  if (!(low < v)) return low;
  if (v >= high) return high;
  return v;
}

/** A byte: nearest(clamp(v, low, high)). */
export const toByte = (v: number, low = 0, high = 127): number => nearest(clamp(v, f(low), f(high)));

/**
 * tanh as a quotient of polynomials, x · p(x²) / q(x²), within 2 ulp up to |x| = 7.9, where it is 1 in float32.
 * The coefficients are those of Eigen (`generic_fast_tanh_float`, MathFunctionsImpl.h).
 */
const P = [-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-8].map(f);
const P_LOW = [1.48572235717979e-5, 6.37261928875436e-4, 4.89352455891786e-3].map(f);
const Q = [1.19825839466702e-6, 1.18534705686654e-4, 2.268434632439e-3, 4.89352518554385e-3].map(f);
const TANH_LIMIT = f(7.905311107635498);

const horner = (coefficients: readonly number[], x: number): number =>
  coefficients.reduce((sum, coefficient) => f(f(sum * x) + coefficient));

export function sigmoid(v: number): number {
  const x = clamp(f(v * 0.5), -TANH_LIMIT, TANH_LIMIT);
  const x2 = f(x * x);
  const tanh = f(f(x * horner([...P, ...P_LOW], x2)) / horner(Q, x2));
  return f(f(tanh * 0.5) + 0.5);
}

type Epilogue = EpilogueFields & Pick<OpOf<'conv'>, 'output' | 'outputStride' | 'outputChannels'>;

function activate(op: Epilogue, memory: ReferenceMemory, c: number, v: number): number {
  const kind = ACTIVATIONS[op.activation] ?? 'none';
  const hardSigmoid = () => clamp(f(f(v * f(op.alpha)) + f(op.beta)), 0, 1);
  switch (kind) {
    case 'none':
      return v;
    case 'prelu':
      return v < 0 ? f(v * memory.weightFloat(op.slope, c)) : v;
    case 'sigmoid':
      return sigmoid(v);
    case 'hard-sigmoid':
      return hardSigmoid();
    case 'hard-swish':
      return f(v * hardSigmoid());
    default:
      return kind satisfies never;
  }
}

/** Stores output channel c of a pixel. @param acc an int32, or a float32 of `dense-int4` */
export function store(op: Epilogue, memory: ReferenceMemory, pixel: number, c: number, acc: number): void {
  let v = f(f(f(acc) * memory.weightFloat(op.scale, c)) + memory.weightFloat(op.bias, c));
  if (op.residual >= 0) {
    v = f(v + f(memory.byte(op.residual + pixel * op.residualStride + c) * f(op.residualScale)));
  }
  if (ACTIVATIONS[op.activation] !== 'none') {
    v = f(f(activate(op, memory, c, v) * f(op.activationScale)) + f(op.activationZero));
  }
  if (op.float) memory.setFloat(op.output + 4 * (pixel * op.outputChannels + c), v);
  else memory.setByte(op.output + pixel * op.outputStride + c, toByte(v, op.low, op.high));
}
