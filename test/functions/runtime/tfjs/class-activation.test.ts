import tfjsModule from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { best } from '../../../../functions/classify/scores.ts';
import { loadTfjsClassifier } from '../../../../functions/runtime/tfjs/classifier.ts';

const [HEIGHT, WIDTH, CHANNELS, CLASSES] = [3, 4, 5, 3];
const value = (seed: number) => Math.sin(seed * 12.9898) * 1.5;
const values = (count: number, seed: number) => Array.from({ length: count }, (_, i) => value(i + 1 + seed * 100));
const conv = { kernel: values(CHANNELS, 1), bias: values(CHANNELS, 2) };
const dense = { kernel: values(CHANNELS * CLASSES, 3), bias: values(CLASSES, 4) };

const layer = (class_name: string, config: object) => ({ class_name, config: { name: class_name, ...config } });
const FIRST = layer('Conv2D', {
  ...{ batch_input_shape: [null, HEIGHT, WIDTH, 1], dtype: 'float32', filters: CHANNELS, kernel_size: [1, 1] },
  ...{ strides: [1, 1], padding: 'valid', activation: 'relu', use_bias: true, data_format: 'channels_last' },
});
const POOL = layer('GlobalAveragePooling2D', { data_format: 'channels_last' });
const DROPOUT = layer('Dropout', { rate: 0.2 });
const DENSE = layer('Dense', { units: CLASSES, activation: 'linear', use_bias: true });
const SOFTMAX = layer('Activation', { activation: 'softmax' });

function load(...layers: object[]) {
  const named = (name: string, shape: number[]) => ({ name, shape, dtype: 'float32' as const });
  const weights = [named('Conv2D/kernel', [1, 1, 1, CHANNELS]), named('Conv2D/bias', [CHANNELS])];
  const numbers = [...conv.kernel, ...conv.bias];
  if (layers.includes(DENSE)) {
    weights.push(named('Dense/kernel', [CHANNELS, CLASSES]), named('Dense/bias', [CLASSES]));
    numbers.push(...dense.kernel, ...dense.bias);
  }
  const modelTopology = { class_name: 'Sequential', config: { name: 'm', layers } };
  return loadTfjsClassifier({
    backend: tfjsModule,
    topology: { format: 'layers-model', modelTopology, weightsManifest: [{ paths: ['w.bin'], weights }] },
    weights: Float32Array.from(numbers).buffer,
    shape: [HEIGHT, WIDTH, 1],
    scale: [1 / 255],
    offset: [-0.25],
  });
}

const pixels = Uint8Array.from({ length: HEIGHT * WIDTH }, (_, i) => (i * 97 + 11) % 256);
const features = Array.from(pixels, (pixel) =>
  conv.kernel.map((weight, c) => Math.max(0, (pixel / 255 - 0.25) * weight + (conv.bias[c] ?? 0))),
);

describe('class activation maps of a TF.js model', () => {
  it('are the features weighted as the dense layer does, and average to the logit', async () => {
    const classifier = await load(FIRST, POOL, DROPOUT, DENSE);
    const logits = await classifier.classify(pixels, 1);
    for (let n = 0; n < CLASSES; n++) {
      const answer = await classifier.classActivation?.(pixels, () => n);
      const { height, width, bias, values: map } = answer?.activation ?? { values: new Float32Array() };
      expect([height, width]).toEqual([HEIGHT, WIDTH]);
      expect([...(answer?.scores ?? [])]).toEqual([...logits]);
      features.forEach((feature, pixel) => {
        const sum = feature.reduce((acc, f, c) => acc + f * (dense.kernel[c * CLASSES + n] ?? 0), 0);
        expect(map[pixel]).toBeCloseTo(sum, 4);
      });
      expect(map.reduce((a, b) => a + b, 0) / map.length + (bias ?? 0)).toBeCloseTo(logits[n] ?? Number.NaN, 4);
    }
    classifier.dispose();
  });

  it('are found before a softmax, and without a dense layer', async () => {
    const soft = await load(FIRST, POOL, DENSE, SOFTMAX);
    const answer = await soft.classActivation?.(pixels, best);
    const map = answer?.activation.values ?? new Float32Array();
    const index = best(answer?.scores ?? new Float32Array());
    const sum = (features[2] ?? []).reduce((acc, f, c) => acc + f * (dense.kernel[c * CLASSES + index] ?? 0), 0);
    expect(map[2]).toBeCloseTo(sum, 4);
    soft.dispose();
    const bare = await load(FIRST, POOL);
    const channel = await bare.classActivation?.(pixels, () => 3);
    expect(channel?.activation.values[7]).toBeCloseTo(features[7]?.[3] ?? Number.NaN, 5);
    expect(channel?.activation.bias).toBe(0);
    bare.dispose();
  });

  it('are not there where the network ends otherwise', async () => {
    const flat = await load(FIRST, layer('Flatten', {}));
    expect(flat.classActivation).toBeUndefined();
    flat.dispose();
  });

  it('leak no tensor', async () => {
    const before = tf.memory().numTensors;
    const classifier = await load(FIRST, POOL, DENSE);
    const loaded = tf.memory().numTensors;
    for (let i = 0; i < 5; i++) await classifier.classActivation?.(pixels, best);
    expect(tf.memory().numTensors).toBe(loaded);
    classifier.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
