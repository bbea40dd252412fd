import { describe, expect, it } from 'vitest';
import baseline from '../../../../functions/runtime/int8/build/baseline.wasm';
import relaxed from '../../../../functions/runtime/int8/build/relaxed.wasm';
import { loadInt8Classifier } from '../../../../functions/runtime/int8/classifier.ts';
import { headOf } from '../../../../functions/runtime/int8/embedding.ts';
import { encodeProgram } from '../../../../functions/runtime/int8/encoding.ts';
import type { Op, Program } from '../../../../functions/runtime/int8/program.ts';
import { CHANNELS, HEIGHT, NETWORK, networkWeights, numbers, WIDTH } from './pooled-network.ts';

const { program, dense, pool } = NETWORK;
const [first] = program.ops as [Op, Op, Op];
const load = (modules: { baseline: WebAssembly.Module; relaxed: WebAssembly.Module }, changed: Program = program) =>
  loadInt8Classifier({
    modules,
    program: encodeProgram(changed),
    weightsBytes: changed.weightsBytes,
    fill: async (target) => target().set(networkWeights()),
  });
const pixels = Uint8Array.from({ length: HEIGHT * WIDTH }, (_, i) => (i * 73 + 19) % 256);

/** The pooled vector by the formulas of its ops. */
const pooled = Array.from({ length: CHANNELS }, (_, c) => {
  let sum = 0;
  for (const pixel of pixels) {
    const v = pixel * numbers.first(c) * numbers.firstScale + numbers.firstBias(c);
    sum += Math.min(Math.max(Math.round(v), 0), 127);
  }
  return Math.round((sum * numbers.poolStep) / (HEIGHT * WIDTH) + numbers.poolBias);
});

describe('the embedding of a program', () => {
  it('is what its last layer reads, the same in both builds, also after the output has gone over it, and the scores', async () => {
    for (const modules of [
      { baseline, relaxed },
      { baseline, relaxed: baseline },
    ]) {
      const classifier = await load(modules);
      const scores = await classifier.classify(pixels, 1);
      expect(await classifier.embed?.(pixels)).toEqual({ values: Float32Array.from(pooled), scores });
      await expect(classifier.embed?.(pixels.subarray(1))).rejects.toThrow(/23 bytes/);
      classifier.dispose();
      await expect(classifier.embed?.(pixels)).rejects.toThrow(/disposed/);
    }
    expect(Math.max(...pooled)).toBeGreaterThan(Math.min(...pooled));
  });

  it('is counted from the zero of its grid', async () => {
    const moved: Program = { ...program, ops: [first, pool, { ...dense, padValue: 63 }] };
    const classifier = await load({ baseline, relaxed }, moved);
    expect([...((await classifier.embed?.(pixels))?.values ?? [])]).toEqual(pooled.map((value) => value - 63));
  });
});

describe('no embedding has a program', () => {
  const vector = { inputHeight: 1, inputWidth: 1, outputHeight: 1, outputWidth: 1 };
  it.each<[string, readonly Op[]]>([
    ['that ends in a pool', [first, { ...pool, output: 0 }]],
    ['whose dense layer reads the picture', [{ ...dense, input: 0, inputChannels: 24 }]],
    ['whose dense layer reads more than was made', [first, pool, { ...dense, inputChannels: 12 }]],
    ['whose last layer adds something', [first, pool, { ...dense, residual: 384 }]],
    ['whose last layer is no vector times a matrix', [first, { ...dense, inputHeight: 4, inputWidth: 6 }]],
    [
      'with other bytes between the pixels of a map that is read as a vector',
      [
        { ...first, outputStride: 16, output: 384 } as Op,
        { ...dense, ...vector, inputChannels: 16 * HEIGHT * WIDTH - 8 },
      ],
    ],
  ])('%s', (_name, ops) => {
    const output = ops.at(-1)?.output ?? 0;
    expect(headOf({ ...program, ops, output: { ...program.output, offset: output } })).toBeNull();
  });

  it('but one has that reads a map as a vector, and one of several slices', () => {
    const length = CHANNELS * HEIGHT * WIDTH;
    const flat = [{ ...first, output: 384 } as Op, { ...dense, inputChannels: length }];
    expect(headOf({ ...program, ops: flat })?.dense.inputChannels).toBe(length);
    const slices = [
      first,
      pool,
      { ...pool, output: pool.output + CHANNELS },
      { ...dense, inputChannels: 2 * CHANNELS },
    ];
    expect(headOf({ ...program, ops: slices })?.dense.inputChannels).toBe(2 * CHANNELS);
  });
});
