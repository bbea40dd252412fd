import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeProgram, encodeProgram } from '../../../functions/runtime/int8/encoding.ts';
import { chooseKernels } from '../../../training/compile/choose-kernels.ts';
import { IntegerRun } from '../../../training/compile/integer-run.ts';
import { joinablePools } from '../../../training/compile/join-pools.ts';
import { pack } from '../../../training/compile/pack.ts';
import { quantizeInt8 } from '../../../training/compile/quantize-weights.ts';
import type { QuantizedGraph, QuantizedLayer, Value } from '../../../training/compile/quantized-graph.ts';

interface Block {
  readonly side: number;
  readonly kernel: number;
  readonly pad: number;
  readonly stride: number;
  readonly channels: number;
  readonly pool: number;
  readonly seed: number;
}

const grid = (scale: number) => ({ kind: 'u7', grid: { scale, zero: 0, levels: 127 } }) as const;
const relu = { kind: 'clip', low: 0, high: Number.POSITIVE_INFINITY } as const;

/** conv-first → conv → max-pool → conv → mean; the side of the first two maps is `side`. */
function network({ side, kernel, pad, stride, channels, pool, seed }: Block): QuantizedGraph {
  let state = seed | 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32 - 0.5;
  };
  const weights = (inputs: number, outputs: number, size: number) => {
    const exact = Float32Array.from({ length: size * size * inputs * outputs }, random);
    const bias = Float32Array.from({ length: outputs }, random);
    return { ...quantizeInt8(exact, outputs), bias, exact };
  };
  const square = (size: number, step: number, border: number) =>
    ({
      kernel: [size, size],
      strides: [step, step],
      dilations: [1, 1],
      pads: [border, border, border, border],
    }) as const;
  const made = Math.floor((side + 2 * pad - kernel) / stride) + 1;
  const pooled = Math.floor(made / pool);
  const layer = (name: string, input: string, operation: QuantizedLayer['operation']): QuantizedLayer => ({
    ...{ name, inputs: [input], operation, residual: null, activation: operation.op.startsWith('conv') ? relu : null },
  });
  const window = { kernel: [pool, pool], strides: [pool, pool], pads: [0, 0, 0, 0], output: [pooled, pooled] } as const;
  const values: [string, Value][] = [
    ['pixels', { shape: [side, side, 3], storage: { kind: 'pixels' } }],
    ['first', { shape: [side, side, channels], storage: grid(1) }],
    ['conv', { shape: [made, made, channels], storage: grid(channels * 0.6) }],
    ['pool', { shape: [pooled, pooled, channels], storage: grid(channels * 0.6) }],
    ['last', { shape: [pooled, pooled, channels], storage: grid(channels * 9) }],
    ['mean', { shape: [1, 1, channels], storage: { kind: 'float' } }],
  ];
  return chooseKernels({
    input: 'pixels',
    output: 'mean',
    pixels: { scale: [1, 1, 1], offset: [0, 0, 0] },
    layers: [
      layer('first', 'pixels', {
        op: 'conv-first',
        padPixels: [3, 4, 5],
        ...square(3, 1, 1),
        ...weights(3, channels, 3),
      }),
      layer('conv', 'first', {
        ...{ op: 'conv', groups: 1, form: 0, ...square(kernel, stride, pad) },
        ...weights(channels, channels, kernel),
      }),
      layer('pool', 'conv', { op: 'max-pool', ...window }),
      layer('last', 'pool', { op: 'conv', groups: 1, form: 0, ...square(1, 1, 0), ...weights(channels, channels, 1) }),
      layer('mean', 'last', { op: 'global-average-pool' }),
    ],
    values: new Map(values),
  });
}

const blocks = fc
  .record({
    side: fc.integer({ min: 20, max: 44 }),
    kernel: fc.constantFrom(1, 2, 3),
    pad: fc.integer({ min: 0, max: 2 }),
    stride: fc.constantFrom(1, 1, 1, 2),
    channels: fc.constantFrom(36, 48, 64),
    pool: fc.integer({ min: 2, max: 3 }),
    seed: fc.integer(),
  })
  .map((block): Block => ({ ...block, pad: Math.min(block.pad, block.kernel) }));

describe('joined pools', () => {
  it('give the same bits as whole maps, in less memory', () => {
    let joined = 0;
    const seen = new Set<number>();
    fc.assert(
      fc.property(blocks, (block) => {
        const graph = network(block);
        const [whole, banded] = [new IntegerRun(graph, false), new IntegerRun(graph)];
        const { program } = banded.packed;
        decodeProgram(encodeProgram(program));
        expect(program.arenaBytes).toBeLessThanOrEqual(whole.packed.program.arenaBytes);
        if (program.ops.length > whole.packed.program.ops.length) joined++;
        const pixels = Uint8Array.from({ length: block.side ** 2 * 3 }, (_, at) => (at * 97 + block.seed) & 255);
        const expected = whole.run(pixels);
        expect(banded.run(pixels)).toEqual(expected);
        for (const value of expected) seen.add(value);
      }),
      { numRuns: 60 },
    );
    expect(joined).toBeGreaterThan(15);
    expect(seen.size).toBeGreaterThan(100);
  });

  it('are those that alone read a convolution, each row once', () => {
    const graph = network({ side: 24, kernel: 3, pad: 1, stride: 1, channels: 8, pool: 2, seed: 1 });
    expect(joinablePools(graph).map(({ conv, pool }) => [conv.name, pool.name])).toEqual([['conv', 'pool']]);
    const residual = graph.layers.map((layer) => (layer.name === 'last' ? { ...layer, residual: 'conv' } : layer));
    expect(joinablePools({ ...graph, layers: residual })).toEqual([]);
    const overlapping = graph.layers.map((layer): QuantizedLayer => {
      const { operation } = layer;
      return operation.op === 'max-pool' ? { ...layer, operation: { ...operation, kernel: [3, 3] } } : layer;
    });
    expect(joinablePools({ ...graph, layers: overlapping })).toEqual([]);
  });

  it('leave values whole where each layer is looked at', () => {
    const graph = network({ side: 24, kernel: 3, pad: 1, stride: 1, channels: 8, pool: 2, seed: 1 });
    for (const keepAll of [true, false]) {
      expect(pack(graph, keepAll).program.ops.map(({ layer }) => layer)).toEqual(graph.layers.map(({ name }) => name));
    }
  });
});
