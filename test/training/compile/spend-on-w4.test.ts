import { describe, expect, it } from 'vitest';
import type { Observed } from '../../../training/compile/calibrate.ts';
import { chooseKernels } from '../../../training/compile/choose-kernels.ts';
import { Histogram } from '../../../training/compile/histogram.ts';
import { quantizeInt8 } from '../../../training/compile/quantize-weights.ts';
import type { QuantizedGraph, QuantizedLayer } from '../../../training/compile/quantized-graph.ts';
import { spendOnW4 } from '../../../training/compile/spend-on-w4.ts';

const CHANNELS = 64;
const NAMES = ['a', 'b', 'c', 'd'];
const grid = { scale: 1, zero: 0, levels: 127 } as const;

/** Four 1x1 convolutions in a row; the weights of each later one are flatter, so that fitting costs more. */
function chain(): QuantizedGraph {
  const layers = NAMES.map((name, index): QuantizedLayer => {
    const exact = Float32Array.from({ length: CHANNELS * CHANNELS }, (_, i) => {
      const size = (i * 7919) % 101 < 8 + 25 * index ? 1 : 0.2;
      return (i * 31) % 7 < 4 ? size : -size;
    });
    return {
      name,
      inputs: [index === 0 ? 'in' : (NAMES[index - 1] ?? '')],
      residual: null,
      activation: null,
      operation: {
        op: 'conv',
        kernel: [1, 1],
        strides: [1, 1],
        dilations: [1, 1],
        pads: [0, 0, 0, 0],
        groups: 1,
        form: 0,
        ...quantizeInt8(exact, CHANNELS),
        bias: new Float32Array(CHANNELS),
        exact,
      },
    };
  });
  const value = { shape: [14, 14, CHANNELS], storage: { kind: 'u7', grid } } as const;
  return chooseKernels({
    input: 'pixels',
    output: 'd',
    pixels: { scale: [1], offset: [0] },
    layers,
    values: new Map(['in', ...NAMES].map((name) => [name, value])),
  });
}

const observations = new Map(
  ['in', ...NAMES].map((name): [string, Observed] => {
    const ones = new Float32Array(CHANNELS).fill(1);
    const one = new Float64Array(CHANNELS).fill(1);
    return [name, { histogram: new Histogram(), mean: ones, sizes: ones, squares: one, active: one }];
  }),
);

const formsOf = (graph: QuantizedGraph) =>
  graph.layers.map(({ operation }) => (operation.op === 'conv' ? operation.form : -1));

/** 30 dB, less what each layer in form w4 costs. */
function costing(losses: Readonly<Record<string, number>>) {
  return (graph: QuantizedGraph): number =>
    graph.layers.reduce((decibels, { name, operation }) => {
      return operation.op === 'conv' && operation.form === 1 ? decibels - (losses[name] ?? 0) : decibels;
    }, 30);
}

describe('spendOnW4', () => {
  it('shrinks every layer that w4 makes faster, where the output can bear it', () => {
    const graph = chain();
    expect(formsOf(graph)).toEqual([0, 0, 0, 0]);
    const spending = spendOnW4(graph, observations, costing({ a: 0.1, b: 0.1, c: 0.1, d: 0.1 }));
    expect(formsOf(spending.graph)).toEqual([1, 1, 1, 1]);
    expect(spending).toMatchObject({ layers: 4, candidates: 4, original: graph });
    expect(spending.decibels).toBeCloseTo(29.6);
    expect(spending.savedMs).toBeGreaterThan(0);
  });

  it('spends first where least noise buys most time, and stops before the bound', () => {
    const spending = spendOnW4(chain(), observations, costing({ a: 0.2, b: 0.2, c: 0.2, d: 0.2 }));
    expect(formsOf(spending.graph)).toEqual([1, 1, 0, 0]);
    expect(spending).toMatchObject({ layers: 2, candidates: 4 });
    expect(spending.decibels).toBeCloseTo(29.6);
  });

  it('leaves a network alone that can bear nothing', () => {
    const graph = chain();
    const spending = spendOnW4(graph, observations, costing({ a: 9, b: 9, c: 9, d: 9 }));
    expect(formsOf(spending.graph)).toEqual([0, 0, 0, 0]);
    expect(spending).toMatchObject({ layers: 0, savedMs: 0, decibels: 30 });
    expect(spending.graph.layers).toEqual(graph.layers);
  });
});
