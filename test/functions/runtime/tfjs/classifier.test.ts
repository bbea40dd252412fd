import tfjsModule from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { loadTfjsClassifier } from '../../../../functions/runtime/tfjs/classifier.ts';

/** Flatten → Dense 3 softmax on 2x2 grey, as `model.json` writes it. */
const topology = {
  format: 'layers-model',
  modelTopology: {
    class_name: 'Sequential',
    config: {
      name: 'tiny',
      layers: [
        { class_name: 'Flatten', config: { name: 'flatten', batch_input_shape: [null, 2, 2, 1], dtype: 'float32' } },
        { class_name: 'Dense', config: { name: 'dense', units: 3, activation: 'softmax', use_bias: true } },
      ],
    },
  },
  weightsManifest: [
    {
      paths: ['weights.bin'],
      weights: [
        { name: 'dense/kernel', shape: [4, 3], dtype: 'float32' as const },
        { name: 'dense/bias', shape: [3], dtype: 'float32' as const },
      ],
    },
  ],
};
const kernel = [0.1, -0.2, 0.3, 0.4, 0.5, -0.6, -0.7, 0.8, 0.9, 1, -1.1, 1.2];
const bias = [0.01, 0.02, -0.03];
const load = () =>
  loadTfjsClassifier({
    backend: tfjsModule,
    topology,
    weights: Float32Array.from([...kernel, ...bias]).buffer,
    shape: [2, 2, 1],
    scale: [1 / 255],
    offset: [-0.5],
  });

/** The same by hand. */
function expected(pixels: number[]): number[] {
  const x = pixels.map((p) => p / 255 - 0.5);
  const logits = bias.map((b, j) => x.reduce((sum, value, i) => sum + value * (kernel[3 * i + j] ?? 0), b));
  const powers = logits.map(Math.exp);
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

it('computes what the layers say, on the WASM backend', async () => {
  const classifier = await load();
  const scores = await classifier.classify(Uint8Array.of(0, 64, 128, 255, 9, 8, 7, 6), 2);
  expect(tf.getBackend()).toBe('wasm');
  const wanted = [...expected([0, 64, 128, 255]), ...expected([9, 8, 7, 6])];
  expect(scores.length).toBe(6);
  scores.forEach((score, i) => {
    expect(score).toBeCloseTo(wanted[i] ?? Number.NaN, 6);
  });
  classifier.dispose();
});

it('leaks no tensor over 1,000 calls, nor after it is disposed of', async () => {
  const before = tf.memory().numTensors;
  const classifier = await load();
  await classifier.classify(new Uint8Array(4), 1);
  const loaded = tf.memory();
  for (let i = 0; i < 1000; i++) await classifier.classify(Uint8Array.of(i, i, 0, 1), 1);
  expect(tf.memory().numTensors).toBe(loaded.numTensors);
  expect(tf.memory().numBytes).toBe(loaded.numBytes);
  classifier.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
