import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, model } from '@tensorflow/tfjs-layers';
import type { ActivationMap } from '../classifier.ts';
import { above, inputOf } from './layers-above.ts';

/** Two views of one network; they share its layers, and so its weights. */
export interface PooledEnd {
  /** Input → `[feature map [batch, height, width, channels], output]`. */
  readonly network: LayersModel;
  /** `[channels, classes]`; null where each class is the mean of a channel. */
  readonly kernel: tf.Tensor2D | null;
  /** `[classes]` */
  readonly bias: tf.Tensor1D | null;
}

/** Global average pooling as the last layer, or before one dense layer; a softmax may follow. Null where it ends otherwise. */
export function pooledEnd(layers: LayersModel): PooledEnd | null {
  const [output, ...more] = layers.outputs;
  if (!output || more.length > 0) return null;
  const last = above(output, ['Activation', 'Softmax', 'Dropout']);
  const dense = last?.sourceLayer.getClassName() === 'Dense' ? last : null;
  const pool = dense ? above(inputOf(dense), ['Dropout']) : last;
  const features = pool?.sourceLayer.getClassName() === 'GlobalAveragePooling2D' ? inputOf(pool) : null;
  const config = pool?.sourceLayer.getConfig();
  if (!features || config?.dataFormat === 'channelsFirst' || config?.dataFormat === 'channels_first') return null;
  const [kernel = null, bias = null] = dense ? dense.sourceLayer.getWeights() : [];
  return {
    network: model({ inputs: layers.inputs, outputs: [features, output] }),
    kernel: kernel as tf.Tensor2D | null,
    bias: bias as tf.Tensor1D | null,
  };
}

/** @param features `[1, height, width, channels]` */
export async function activationMap(
  features: tf.Tensor,
  { kernel, bias }: PooledEnd,
  index: number,
): Promise<ActivationMap> {
  const [, height = 1, width = 1, channels = 1] = features.shape;
  const values = tf.tidy(() => {
    const pixels = tf.reshape(features, [height * width, channels]);
    const weights = kernel ? tf.slice(kernel, [0, index], [channels, 1]) : tf.oneHot([index], channels);
    return tf.matMul(pixels, tf.cast(weights, 'float32'), false, !kernel);
  });
  const own = bias ? tf.slice(bias, [index], [1]) : null;
  try {
    return { height, width, values: (await values.data()) as Float32Array, bias: (await own?.data())?.[0] ?? 0 };
  } finally {
    values.dispose();
    own?.dispose();
  }
}
