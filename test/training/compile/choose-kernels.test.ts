import { describe, expect, it } from 'vitest';
import { chooseKernels } from '../../../training/compile/choose-kernels.ts';
import type { QuantizedGraph } from '../../../training/compile/quantized-graph.ts';

/** One convolution, `side` x `side` outputs, 8 output channels; `weight(k, c)` along K in the order of memory. */
function formOf(side: number, kernel: number, inputs: number, weight: (k: number, c: number) => number): number {
  const weights = Int8Array.from({ length: kernel * kernel * inputs * 8 }, (_, i) => weight(Math.floor(i / 8), i % 8));
  const pad = (kernel - 1) / 2;
  const grid = { scale: 1, zero: 0, levels: 127 } as const;
  const graph: QuantizedGraph = {
    input: 'pixels',
    output: 'out',
    pixels: { scale: [1], offset: [0] },
    layers: [
      {
        name: 'out',
        inputs: ['in'],
        residual: null,
        activation: null,
        operation: {
          op: 'conv',
          kernel: [kernel, kernel],
          strides: [1, 1],
          dilations: [1, 1],
          pads: [pad, pad, pad, pad],
          groups: 1,
          form: 0,
          weights,
          scales: new Float32Array(8).fill(1),
          bias: new Float32Array(8),
          exact: Float32Array.from(weights),
        },
      },
    ],
    values: new Map([
      ['in', { shape: [side, side, inputs], storage: { kind: 'u7', grid } }],
      ['out', { shape: [side, side, 8], storage: { kind: 'u7', grid } }],
    ]),
  };
  const [layer] = chooseKernels(graph).layers;
  return layer?.operation.op === 'conv' ? layer.operation.form : -1;
}

/** Steps of K whose products form w4 adds in the first 16-bit lane of the first output channel. */
const LANE = [0, 1, 4, 5, 8, 9, 12, 13];

/** What w4 does to one lane, in 16 bits, with activations that are largest where weights have one sign. */
function overflows(weights: readonly number[]): boolean {
  return [1, -1].some((sign) => {
    const products = weights.map((w) => (w * sign > 0 ? w * 127 : 0));
    const exact = products.reduce((sum, product) => sum + product, 0);
    const lane = new Int16Array(1);
    for (const product of products) lane[0] = (lane[0] ?? 0) + product;
    return lane[0] !== exact;
  });
}

describe('chooseKernels', () => {
  it.each([
    ['fits to the last unit', [127, 127, 1, 1, 1, 1, 0, 0]],
    ['is one too much', [127, 127, 1, 1, 1, 1, 1, 0]],
    ['fits with signs mixed', [127, 127, -127, -127, 4, -4, 0, 0]],
    ['is too negative', [-127, -127, -1, -1, -1, -1, -1, 0]],
    ['is spread evenly', [32, 32, 32, 32, 32, 32, 32, 32]],
    ['is spread, and one too much', [33, 32, 32, 32, 33, 33, 32, 32]],
  ])('takes form w4 exactly where 16 bits hold the sums: a lane that %s', (_, lane) => {
    const weight = (k: number, c: number) => (c === 0 ? (lane[LANE.indexOf(k)] ?? 0) : 1);
    expect(formOf(7, 1, 64, weight)).toBe(overflows(lane) ? 0 : 1);
  });

  it('looks at every channel, lane and block', () => {
    for (const spot of [0, 2, 17, 31]) {
      for (const channel of [0, 5, 7]) {
        // Three of 127 in the lane of the spot.
        const block = spot - (spot % 16);
        const pair = spot % 4 < 2 ? 0 : 2;
        const lane = [block + pair, block + pair + 4, block + pair + 8];
        const weight = (k: number, c: number) => (c === channel && lane.includes(k) ? 127 : 0);
        expect(formOf(7, 1, 32, weight)).toBe(0);
      }
    }
  });

  it('takes Winograd for 3x3 where it pays, and no sum can pass 2^25', () => {
    expect(formOf(14, 3, 16, () => 40)).toBe(2);
    expect(formOf(7, 3, 512, () => 20)).toBe(2);
    expect(formOf(14, 5, 16, () => 20)).toBe(1);
    // 9 · 240 · 127 · 127 = 34.8 million, 2^25 = 33.6 million
    expect(formOf(14, 3, 240, () => 127)).toBe(0);
    expect(formOf(14, 3, 240, (k) => (k % 2 ? 127 : -127))).toBe(2);
  });

  it('takes no Winograd where its tiles would be empty for the most part', () => {
    expect(formOf(2, 3, 64, () => 20)).toBe(1);
    expect(formOf(5, 3, 16, () => 20)).toBe(1);
  });
});
