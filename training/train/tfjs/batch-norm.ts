import * as tf from '@tensorflow/tfjs-core';
import type { Save } from './save.ts';

export interface BatchNorm {
  readonly output: tf.Tensor;
  /** `[channels]`, of this batch; kept: who calls disposes of them. */
  readonly mean: tf.Tensor;
  readonly variance: tf.Tensor;
}

/**
 * Batch normalization over all but the last dimension in training (Ioffe and Szegedy 2015, algorithm 1), its gradient as
 * one function. Sums over the batch are products with a row of ones: TF.js' sums transpose first, and the gradient of a
 * mean tiles.
 */
export function batchNormInTraining(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: number): BatchNorm {
  const channels = x.shape.at(-1) ?? 0;
  const count = x.size / channels;
  const rows = tf.reshape(x, [count, channels]);
  const mean = tf.keep(meanOf(rows));
  const variance = tf.keep(meanOf(tf.square(tf.sub(rows, mean))));
  const op = tf.customGrad((...args) => {
    const [input, scale, shift, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.Tensor, Save];
    const inverse = tf.rsqrt(tf.add(variance, epsilon));
    const normalized = tf.mul(tf.sub(tf.reshape(input, [count, channels]), mean), inverse);
    save([normalized, scale, inverse]);
    return {
      value: tf.reshape(tf.add(tf.mul(normalized, scale), shift), input.shape),
      gradFunc: (dy, saved) => {
        const [kept, gammas, factor] = saved as [tf.Tensor2D, tf.Tensor, tf.Tensor];
        const dyRows = tf.reshape(dy, [count, channels]);
        const [meanOfDy, meanOfBoth] = [meanOf(dyRows), meanOf(tf.mul(dyRows, kept))];
        // dx = gamma / deviation · (dy − mean(dy) − normalized · mean(dy · normalized))
        const centred = tf.sub(tf.sub(dyRows, meanOfDy), tf.mul(kept, meanOfBoth));
        const dx = tf.reshape(tf.mul(centred, tf.mul(gammas, factor)), dy.shape);
        return [dx, tf.mul(meanOfBoth, count), tf.mul(meanOfDy, count)];
      },
    };
  });
  return { output: op(x, gamma, beta), mean, variance };
}

/** `[rows, channels]` → `[channels]` */
function meanOf(rows: tf.Tensor): tf.Tensor1D {
  const [count = 0, channels = 0] = rows.shape;
  return tf.reshape(tf.matMul(tf.fill([1, count], 1 / count), rows as tf.Tensor2D), [channels]);
}

/** A mean over a map, `[batch, height, width, channels]` → `[batch, channels]`, as a product for the same reasons. */
export function meanOverMap(x: tf.Tensor4D): tf.Tensor2D {
  const [batch, height, width, channels] = x.shape;
  const op = tf.customGrad((...args) => {
    const [input] = args as unknown as [tf.Tensor4D];
    const maps = tf.reshape(input, [batch, height * width, channels]);
    const weights = tf.fill([batch, 1, height * width], 1 / (height * width));
    return {
      value: tf.reshape(tf.matMul(weights, maps), [batch, channels]),
      gradFunc: (dy) => {
        const share = tf.reshape(tf.mul(dy, 1 / (height * width)), [batch, 1, 1, channels]);
        return tf.add(tf.zeros([batch, height, width, channels]), share);
      },
    };
  });
  return op(x) as tf.Tensor2D;
}
