import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { convK, convTapBytes, fitsW4 } from '../../../functions/runtime/int8/layout.ts';
import type { Conv } from '../../../training/compile/choose-kernels.ts';
import { quantizeInt8 } from '../../../training/compile/quantize-weights.ts';
import { shrinkToW4 } from '../../../training/compile/shrink-to-w4.ts';

interface Case {
  readonly kernel: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly groups: number;
  /** [tap][inputs / groups][outputs] */
  readonly exact: Float32Array;
}

function conv({ kernel, outputs, groups, exact }: Case): Conv {
  return {
    op: 'conv',
    kernel: [kernel, kernel],
    strides: [1, 1],
    dilations: [1, 1],
    pads: [0, 0, 0, 0],
    groups,
    form: 0,
    ...quantizeInt8(exact, outputs),
    bias: new Float32Array(outputs),
    exact,
  };
}

/** Weights of one output channel where a kernel finds them, by the layout's own arithmetic. */
function alongK({ kernel, inputs, outputs, groups }: Case, weights: Int8Array, output: number): Int8Array {
  const shape = { kernelHeight: kernel, kernelWidth: kernel, inputChannels: inputs, outputChannels: outputs, groups };
  const row = new Int8Array(convK(shape));
  for (let tap = 0; tap < kernel * kernel; tap++) {
    for (let c = 0; c < inputs / groups; c++) {
      row[tap * convTapBytes(shape) + c] = weights[(tap * (inputs / groups) + c) * outputs + output] ?? 0;
    }
  }
  return row;
}

const flat = (count: number, value: number) => new Float64Array(count).fill(value);

const cases = fc
  .record({
    kernel: fc.constantFrom(1, 1, 3),
    perGroup: fc.integer({ min: 1, max: 40 }),
    groups: fc.constantFrom(1, 1, 2),
    outputs: fc.integer({ min: 1, max: 4 }),
    seed: fc.integer(),
    // A share of weights is as large as the largest: then most sums are too large.
    large: fc.constantFrom(0, 0.2, 0.6, 1),
  })
  .map(({ kernel, perGroup, groups, outputs, seed, large }): Case => {
    let state = seed;
    const random = () => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return (state >>> 0) / 2 ** 32;
    };
    const count = kernel * kernel * perGroup * outputs * groups;
    const exact = Float32Array.from(
      { length: count },
      () => (random() < large ? 1 : random()) * (random() < 0.5 ? -1 : 1),
    );
    return { kernel, inputs: perGroup * groups, outputs: outputs * groups, groups, exact };
  });

describe('shrinkToW4', () => {
  it('makes 16 bits hold every sum, and leaves alone what fits already', () => {
    let [fitted, shrunk] = [0, 0];
    fc.assert(
      fc.property(cases, (one) => {
        const before = conv(one);
        const { conv: after, noise } = shrinkToW4(before, { mean: flat(one.inputs, 0.5), square: flat(one.inputs, 1) });
        const rows = Array.from({ length: one.outputs }, (_, output) => alongK(one, after.weights, output));
        expect(rows.every(fitsW4)).toBe(true);
        for (let output = 0; output < one.outputs; output++) {
          if (!fitsW4(alongK(one, before.weights, output))) {
            shrunk++;
            continue;
          }
          fitted++;
          expect(alongK(one, after.weights, output)).toEqual(alongK(one, before.weights, output));
          expect(after.scales[output]).toBe(before.scales[output]);
        }
        expect(noise).toBeGreaterThanOrEqual(0);
      }),
    );
    expect(Math.min(fitted, shrunk)).toBeGreaterThan(30);
  });

  it('loses no more than the best of all ways to shrink a sum', () => {
    // Four weights of one lane.
    const exact = Float32Array.from([127, 0, 0, 0, 101.4, 0, 0, 0, 64.3, 0, 0, 0, 3.2, 0, 0, 0]);
    const one = { kernel: 1, inputs: 16, outputs: 1, groups: 1, exact };
    const square = flat(16, 1);
    square[4] = 0.25;
    const { conv: after } = shrinkToW4(conv(one), { mean: flat(16, 0), square });
    let least = Number.POSITIVE_INFINITY;
    for (let a = 100; a <= 127; a++) {
      for (let b = 60; b <= 101; b++) {
        for (let c = 40; c <= 64; c++) {
          for (let d = 0; d <= 3; d++) {
            if (a + b + c + d > 258) continue;
            const [ea, eb, ec, ed] = [a - 127, b - 101.4, c - 64.3, d - 3.2];
            least = Math.min(least, ea ** 2 + 0.25 * eb ** 2 + ec ** 2 + ed ** 2);
          }
        }
      }
    }
    expect(errorOf(one, after, 0, square)).toBeLessThanOrEqual(least * (1 + 1e-6));
  });

  it('takes larger steps where many sums are too large, rather than cut each', () => {
    const exact = Float32Array.from({ length: 64 }, (_, k) => 1 - (k % 5) / 10);
    const { conv: after } = shrinkToW4(conv({ kernel: 1, inputs: 64, outputs: 1, groups: 1, exact }), {
      mean: flat(64, 1),
      square: flat(64, 1),
    });
    expect(after.scales[0]).toBeGreaterThan(2.4 / 127);
    for (const [k, weight] of after.weights.entries()) {
      expect(Math.abs(weight * (after.scales[0] ?? 0) - (exact[k] ?? 0))).toBeLessThan(0.06);
    }
  });

  it('gives the mean that weights lose to the bias, by the channels of the group', () => {
    const exact = Float32Array.from({ length: 2 * 16 }, () => 1);
    const one = { kernel: 1, inputs: 32, outputs: 2, groups: 2, exact };
    const mean = Float64Array.from({ length: 32 }, (_, c) => (c < 16 ? 1 : 3));
    const { conv: after } = shrinkToW4(conv(one), { mean, square: flat(32, 1) });
    for (const output of [0, 1]) {
      let lost = 0;
      for (let k = 0; k < 16; k++) lost += 1 - (after.weights[k * 2 + output] ?? 0) * (after.scales[output] ?? 0);
      expect(after.bias[output]).toBeCloseTo(lost * (output === 0 ? 1 : 3), 3);
    }
  });
});

function errorOf(one: Case, { weights, scales }: Conv, output: number, square = flat(one.inputs, 1)): number {
  let error = 0;
  for (let i = 0; i < weights.length / one.outputs; i++) {
    const at = i * one.outputs + output;
    error += (square[i] ?? 1) * ((weights[at] ?? 0) * (scales[output] ?? 0) - (one.exact[at] ?? 0)) ** 2;
  }
  return error;
}
