import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { fashionMlp } from '../../../training/architectures/fashion-mlp.ts';
import type { LabelledImages } from '../../../training/data/labelled-images.ts';
import { startBackend } from '../../../training/train/backend.ts';
import { type FitProgress, fitModel, sparseCategoricalCrossEntropy } from '../../../training/train/fit.ts';
import { randomNumbers } from '../../../training/train/random.ts';

/** Images of noise, of which the left half is brighter in class 1 than in class 0. */
function halves(count: number): LabelledImages {
  const random = randomNumbers(7);
  const labels = Uint8Array.from({ length: count }, (_, at) => at % 2);
  const images = Uint8Array.from({ length: count * 784 }, (_, at) => {
    const bright = labels[Math.floor(at / 784)] === 1 && at % 28 < 14;
    return Math.floor(random() * 100) + (bright ? 100 : 0);
  });
  return { images, shape: [28, 28, 1], labels, classNames: ['even', 'left'], count };
}

const options = { epochs: 2, batchSize: 32, learningRate: 0.001, seed: 5, scale: 1 / 255 };
const weightsOf = (model: LayersModel) => model.getWeights().map((weight) => Array.from(weight.dataSync()));

beforeAll(async () => {
  expect((await startBackend('wasm')).name).toBe('wasm');
});

describe('fitModel', () => {
  it('learns, reports every image once an epoch, and leaves no tensors behind', async () => {
    const data = halves(500);
    const model = fashionMlp(1);
    const tensors = tf.memory().numTensors;
    const seen: FitProgress[] = [];
    await fitModel(model, data, { ...options, epochs: 3, onProgress: (progress) => seen.push(progress) });
    expect(tf.memory().numTensors).toBe(tensors);
    expect(seen.map(({ epoch, seen }) => [epoch, seen])).toEqual([1, 2, 3].map((epoch) => [epoch, 500]));
    expect(seen[0]?.accuracy).toBeGreaterThan(0);
    expect(seen[2]?.accuracy).toBeGreaterThan(0.98);
    expect(seen[2]?.loss).toBeLessThan(seen[0]?.loss ?? 0);
    model.dispose();
  });

  it('gives the same weights for the same seed, and others for another', async () => {
    const data = halves(200);
    const runs: number[][][] = [];
    for (const seed of [5, 5, 6]) {
      const model = fashionMlp(1);
      await fitModel(model, data, { ...options, seed });
      runs.push(weightsOf(model));
      model.dispose();
    }
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).not.toEqual(runs[0]);
    expect(weightsOf(fashionMlp(2))).not.toEqual(weightsOf(fashionMlp(1)));
  });

  it("takes the steps that TF.js' own training takes", async () => {
    // One batch an epoch and one epoch: the cosine is still at 1, and TF.js' compile and trainOnBatch do the same.
    const data = halves(32);
    const [ours, theirs] = [fashionMlp(1), fashionMlp(1)];
    await fitModel(ours, data, { ...options, epochs: 1 });
    const adam = tf.train.adam(options.learningRate, 0.9, 0.999, 1e-7);
    theirs.compile({ optimizer: adam, loss: 'sparseCategoricalCrossentropy' });
    const input = tf.tensor4d(
      Float32Array.from(data.images, (pixel) => pixel / 255),
      [32, 28, 28, 1],
    );
    await theirs.trainOnBatch(input, tf.tensor2d(Float32Array.from(data.labels), [32, 1]));
    const [a, b] = [weightsOf(ours).flat(), weightsOf(theirs).flat()];
    // Adam's first step is the rate times the sign of the gradient: where that is near zero, rounding decides.
    const far = a.filter((value, at) => Math.abs(value - (b[at] ?? 0)) > 1e-5).length;
    expect(far / a.length).toBeLessThan(0.001);
    expect(a).not.toEqual(weightsOf(fashionMlp(1)).flat());
  });

  it('lets the rate fall to zero', async () => {
    const data = halves(64);
    const model = fashionMlp(1);
    const during: number[] = [];
    const weight = () => Float32Array.from(model.getWeights()[0]?.dataSync() ?? []);
    let last = weight();
    await fitModel(model, data, {
      ...options,
      epochs: 8,
      onProgress() {
        during.push(weight().reduce((sum, value, at) => sum + Math.abs(value - (last[at] ?? 0)), 0));
        last = weight();
      },
    });
    expect(during.at(-1)).toBeLessThan((during[0] ?? 0) / 4);
  });

  it('stops with a message where the loss is no longer a number', async () => {
    const training = fitModel(fashionMlp(1), halves(200), { ...options, learningRate: 1e38 });
    await expect(training).rejects.toThrow(/no longer a number after 200 images of epoch 1.*lower learning rate/);
  });
});

describe('the loss', () => {
  it('is the mean of -log p of the true class, and finite where p is 0', () => {
    const probabilities = tf.tensor2d([
      [0.5, 0.25, 0.25],
      [1, 0, 0],
    ]);
    const loss = (labels: number[]) =>
      sparseCategoricalCrossEntropy(tf.tensor1d(labels, 'int32'), probabilities).dataSync()[0];
    expect(loss([1, 0])).toBeCloseTo(Math.log(4) / 2, 5);
    expect(loss([0, 2])).toBeCloseTo((Math.log(2) + 7 * Math.log(10)) / 2, 4);
  });
});
