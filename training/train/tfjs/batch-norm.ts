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
 * one function.
 */
export function batchNormInTraining(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: number): BatchNorm {
  const channels = x.shape.at(-1) ?? 0;
  const count = x.size / channels;
  const rows = tf.reshape(x, [count, channels]);
  const means = (values: tf.Tensor) => meanOfChannels(tf.reshape(values, x.shape));
  const mean = tf.keep(meanOfChannels(x));
  const variance = tf.keep(means(tf.square(tf.sub(rows, mean))));
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
        const [meanOfDy, meanOfBoth] = [meanOfChannels(dy), means(tf.mul(dyRows, kept))];
        // dx = gamma / deviation · (dy − mean(dy) − normalized · mean(dy · normalized))
        const centred = tf.sub(tf.sub(dyRows, meanOfDy), tf.mul(kept, meanOfBoth));
        const dx = tf.reshape(tf.mul(centred, tf.mul(gammas, factor)), dy.shape);
        return [dx, tf.mul(meanOfBoth, count), tf.mul(meanOfDy, count)];
      },
    };
  });
  return { output: op(x, gamma, beta), mean, variance };
}

/**
 * `[batch, …, channels]` → `[channels]`. By pools and products, since TF.js' WASM sums transpose first, and the gradient of
 * its mean tiles.
 */
export function meanOfChannels(x: tf.Tensor): tf.Tensor1D {
  const [batch = 0, channels = 0] = [x.shape[0], x.shape.at(-1)];
  const means = pooled(tf.reshape(x, [batch, x.size / batch / channels, channels]));
  return tf.reshape(tf.matMul(tf.fill([1, batch], 1 / batch), means), [channels]);
}

/** A mean over a map, `[batch, height, width, channels]` → `[batch, channels]`, in the same way. */
export function meanOverMap(x: tf.Tensor4D): tf.Tensor2D {
  const [batch, height, width, channels] = x.shape;
  const op = tf.customGrad((...args) => {
    const [input] = args as unknown as [tf.Tensor4D];
    return {
      value: pooled(tf.reshape(input, [batch, height * width, channels])),
      gradFunc: (dy) => {
        const share = tf.reshape(tf.mul(dy, 1 / (height * width)), [batch, 1, 1, channels]);
        return tf.add(tf.zeros([batch, height, width, channels]), share);
      },
    };
  });
  return op(x) as tf.Tensor2D;
}

/** `[batch, positions, channels]` → `[batch, channels]`, the mean over positions */
function pooled(x: tf.Tensor3D): tf.Tensor2D {
  const [batch, positions, channels] = x.shape;
  if (positions === 1) return tf.reshape(x, [batch, channels]);
  const maps = tf.reshape(x, [batch, positions, 1, channels]) as tf.Tensor4D;
  return tf.reshape(tf.avgPool(maps, [positions, 1], 1, 'valid'), [batch, channels]);
}
