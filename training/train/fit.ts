import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { imageAt, type LabelledImages } from '../data/labelled-images.ts';
import { TrainingError } from './errors.ts';
import { randomNumbers, shuffle } from './random.ts';

export interface FitOptions {
  readonly epochs: number;
  readonly batchSize: number;
  /** Of the first step; it falls to zero along half a cosine (Loshchilov and Hutter 2017, arXiv:1608.03983). */
  readonly learningRate: number;
  /** Decides the order of the images. */
  readonly seed: number;
  /** The network's input is pixel · scale. */
  readonly scale: number;
  /** Told now and then, and always at the end of an epoch. */
  onProgress?(progress: FitProgress): void;
}

export interface FitProgress {
  /** From 1. */
  readonly epoch: number;
  /** Images of this epoch. */
  readonly seen: number;
  /** Means over this epoch so far, each batch measured before its step, as Keras does. */
  readonly loss: number;
  readonly accuracy: number;
}

/** The sums are fetched once in so many batches: each time the processor waits for the device. */
const BATCHES_A_REPORT = 50;

/**
 * Trains in place: Adam (Kingma and Ba 2015) on sparse categorical cross-entropy. The same seed on the same backend
 * gives the same weights.
 * @param model `[batch, height, width, channels]` → probabilities `[batch, classes]`
 * @throws TrainingError where the loss is no longer a number
 */
export async function fitModel(model: LayersModel, data: LabelledImages, options: FitOptions): Promise<void> {
  const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const optimizer = new Adam(options.learningRate);
  const random = randomNumbers(options.seed);
  const order = Uint32Array.from({ length: data.count }, (_, at) => at);
  const batches = Math.ceil(data.count / options.batchSize);
  const sums = tf.tidy(() => tf.variable(tf.zeros([2]), false));
  try {
    for (let epoch = 0; epoch < options.epochs; epoch++) {
      shuffle(order, random);
      tf.tidy(() => sums.assign(tf.zeros([2])));
      for (let batch = 0; batch < batches; batch++) {
        optimizer.setRate(options.learningRate * halfCosine((epoch * batches + batch) / (options.epochs * batches)));
        const chosen = order.subarray(batch * options.batchSize, (batch + 1) * options.batchSize);
        tf.tidy(() => sums.assign(tf.add(sums, step(model, variables, optimizer, data, chosen, options.scale))));
        if ((batch + 1) % BATCHES_A_REPORT !== 0 && batch + 1 !== batches) continue;
        const seen = Math.min((batch + 1) * options.batchSize, data.count);
        const [loss = 0, hits = 0] = await sums.data();
        if (!Number.isFinite(loss)) throw diverged(epoch + 1, seen, options.learningRate);
        options.onProgress?.({ epoch: epoch + 1, seen, loss: loss / seen, accuracy: hits / seen });
      }
    }
  } finally {
    sums.dispose();
    optimizer.dispose();
  }
}

/** One step down the gradient. @returns `[sum of losses, number of right answers]` of the batch before the step */
function step(
  model: LayersModel,
  variables: tf.Variable[],
  optimizer: tf.Optimizer,
  data: LabelledImages,
  chosen: Uint32Array,
  scale: number,
): tf.Tensor1D {
  const { input, labels } = batchOf(data, chosen, scale);
  let hits: tf.Scalar | undefined;
  const { value, grads } = tf.variableGrads(() => {
    const probabilities = model.apply(input, { training: true }) as tf.Tensor2D;
    hits = tf.keep(tf.sum(tf.equal(tf.argMax(probabilities, 1), labels)) as tf.Scalar);
    return sparseCategoricalCrossEntropy(labels, probabilities);
  }, variables);
  optimizer.applyGradients(grads);
  const counted = hits ?? tf.scalar(0);
  const sums = tf.stack([tf.mul(value, chosen.length), tf.cast(counted, 'float32')]) as tf.Tensor1D;
  counted.dispose();
  return sums;
}

function batchOf(data: LabelledImages, chosen: Uint32Array, scale: number) {
  const values = new Float32Array(chosen.length * data.shape[0] * data.shape[1] * data.shape[2]);
  const labels = new Int32Array(chosen.length);
  let to = 0;
  for (const [row, at] of chosen.entries()) {
    labels[row] = data.labels[at] ?? 0;
    for (const pixel of imageAt(data, at)) values[to++] = pixel * scale;
  }
  return { input: tf.tensor4d(values, [chosen.length, ...data.shape]), labels: tf.tensor1d(labels, 'int32') };
}

/**
 * Mean of -log(probability of the true class + 1e-7). Keras clips at 1e-7 instead; WASM's clip turns NaN into a number,
 * which would hide that training diverged.
 * @param labels int32 `[batch]`. @param probabilities `[batch, classes]`
 */
export function sparseCategoricalCrossEntropy(labels: tf.Tensor1D, probabilities: tf.Tensor2D): tf.Scalar {
  const ofTheTrueClass = tf.sum(tf.mul(probabilities, tf.oneHot(labels, probabilities.shape[1])), 1);
  return tf.neg(tf.mean(tf.log(tf.add(ofTheTrueClass, 1e-7))));
}

/** From 1 at the beginning to 0 at the end. @param share how much is done, 0…1 */
const halfCosine = (share: number) => (1 + Math.cos(Math.PI * share)) / 2;

/** TF.js lets only gradient descent change its rate from outside. */
class Adam extends tf.AdamOptimizer {
  constructor(rate: number) {
    super(rate, 0.9, 0.999, 1e-7);
  }

  setRate(rate: number): void {
    this.learningRate = rate;
  }
}

const diverged = (epoch: number, seen: number, rate: number) =>
  new TrainingError(
    `The loss is no longer a number after ${seen} images of epoch ${epoch}: training diverged, nothing was written. ` +
      `Train with a lower learning rate than ${rate} (training/architectures/table.ts), or another seed.`,
  );
