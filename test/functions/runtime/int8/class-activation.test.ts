import { describe, expect, it } from 'vitest';
import { best } from '../../../../functions/classify/scores.ts';
import baseline from '../../../../functions/runtime/int8/build/baseline.wasm';
import relaxed from '../../../../functions/runtime/int8/build/relaxed.wasm';
import { pooledEnd } from '../../../../functions/runtime/int8/class-activation.ts';
import { loadInt8Classifier } from '../../../../functions/runtime/int8/classifier.ts';
import { encodeProgram } from '../../../../functions/runtime/int8/encoding.ts';
import { CHANNELS, CLASSES, HEIGHT, NETWORK, networkWeights, numbers, WIDTH } from './pooled-network.ts';

const { program, dense, pool } = NETWORK;
const load = (changed = program) =>
  loadInt8Classifier({
    modules: { baseline, relaxed },
    program: encodeProgram(changed),
    weightsBytes: changed.weightsBytes,
    fill: async (target) => target().set(networkWeights()),
  });
const pixels = Uint8Array.from({ length: HEIGHT * WIDTH }, (_, i) => (i * 73 + 19) % 256);

/** 7-bit features `[pixel][channel]`, by the formula of the op. */
const features = Array.from(pixels, (pixel) =>
  Array.from({ length: CHANNELS }, (_, c) => {
    const v = pixel * numbers.first(c) * numbers.firstScale + numbers.firstBias(c);
    return Math.min(Math.max(Math.round(v), 0), 127);
  }),
);

async function mapOf(index: number) {
  const classifier = await load();
  const answer = await classifier.classActivation?.(pixels, () => index);
  classifier.dispose();
  if (!answer) throw new Error('no class activation');
  return answer;
}

describe('class activation maps of a program', () => {
  it('average to the logit, but for the rounding of the pooled vector', async () => {
    const plain = await (await load()).classify(pixels, 1);
    for (let n = 0; n < CLASSES; n++) {
      const { scores, activation } = await mapOf(n);
      expect([...scores]).toEqual([...plain]);
      const mean = activation.values.reduce((a, b) => a + b, 0) / activation.values.length;
      let rounding = 0;
      for (let c = 0; c < CHANNELS; c++) rounding += 0.5 * Math.abs(numbers.dense(n, c)) * numbers.denseScale;
      expect(Math.abs(mean + activation.bias - (scores[n] ?? Number.NaN))).toBeLessThanOrEqual(rounding + 1e-4);
    }
  });

  it('are the features weighted by the dense layer, pixel by pixel', async () => {
    for (let n = 0; n < CLASSES; n++) {
      const { activation } = await mapOf(n);
      expect([activation.height, activation.width]).toEqual([HEIGHT, WIDTH]);
      expect(activation.bias).toBeCloseTo(numbers.denseBias(n), 5);
      features.forEach((feature, pixel) => {
        const pooled = feature.map((q) => q * numbers.poolStep + numbers.poolBias);
        const sum = pooled.reduce((acc, value, c) => acc + value * numbers.dense(n, c) * numbers.denseScale, 0);
        expect(activation.values[pixel]).toBeCloseTo(sum, 2);
      });
      expect(Math.max(...activation.values)).toBeGreaterThan(Math.min(...activation.values) + 0.5);
    }
  });

  it('are found though the logits lie over the feature map', () => {
    expect(dense.output).toBeGreaterThanOrEqual(pool.input);
    expect(dense.output).toBeLessThan(pool.input + HEIGHT * WIDTH * pool.inputStride);
  });

  it('are the feature map itself where the pool is the end', async () => {
    const end = { ...pool, outputStride: CHANNELS, float: 1 };
    const output = { offset: pool.output, classes: CHANNELS };
    const short = { ...program, output, ops: [...program.ops.slice(0, 1), end] };
    const classifier = await load(short);
    const answer = await classifier.classActivation?.(pixels, best);
    const index = best(answer?.scores ?? new Float32Array());
    const values = answer?.activation.values ?? new Float32Array();
    features.forEach((feature, pixel) => {
      expect(values[pixel]).toBeCloseTo((feature[index] ?? 0) * numbers.poolStep + numbers.poolBias, 3);
    });
    expect(values.reduce((a, b) => a + b, 0) / values.length).toBeCloseTo(answer?.scores[index] ?? Number.NaN, 3);
  });

  it.each<[string, Partial<typeof dense>]>([
    ['a residual', { residual: 0, residualStride: 8 }],
    ['an activation', { activation: 2 }],
    ['another input than the pool', { input: dense.input + 64 }],
    ['fewer outputs than classes', { outputChannels: CLASSES - 1 }],
  ])('are not there where the dense layer has %s', (_, change) => {
    expect(pooledEnd(program)).not.toBeNull();
    expect(pooledEnd({ ...program, ops: [...program.ops.slice(0, 2), { ...dense, ...change }] })).toBeNull();
  });

  it('are not there behind another op, nor of a single pixel', async () => {
    const [first] = program.ops;
    expect(first && pooledEnd({ ...program, ops: [first, dense] })).toBeNull();
    const single = { ...pool, inputHeight: 1, inputWidth: 1 };
    expect(pooledEnd({ ...program, ops: [...program.ops.slice(0, 1), single, dense] })).toBeNull();
  });

  it('end with the classifier, and take one picture', async () => {
    const classifier = await load();
    await expect(classifier.classActivation?.(new Uint8Array(3), best)).rejects.toThrow('1 images of 24 bytes');
    classifier.dispose();
    await expect(classifier.classActivation?.(pixels, best)).rejects.toThrow('disposed');
  });
});
