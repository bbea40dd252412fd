import * as tf from '@tensorflow/tfjs-core';
import type { Pads, Pair } from '../../graph/graph.ts';
import { framed } from './framed.ts';
import type { Save } from './save.ts';

/**
 * A convolution whose gradients are convolutions too: TF.js' WASM backend has none with respect to the kernel, and the
 * one with respect to the input is a plain loop, where XNNPACK's convolutions use SIMD.
 * @param x `[batch, height, width, channels]`. @param kernel `[y, x, channels, filters]`
 * @param first whether it reads the network's input, whose gradient nobody asks for and is left zero
 */
export function convOfConvs(
  x: tf.Tensor4D,
  kernel: tf.Tensor4D,
  { strides, pads, first }: { readonly strides: Pair; readonly pads: Pads; readonly first: boolean },
): tf.Tensor4D {
  const padded = (tensor: tf.Tensor4D) => framed(tensor, pads);
  const op = tf.customGrad((...args) => {
    const [input, weights, save] = args as unknown as [tf.Tensor4D, tf.Tensor4D, Save];
    save([input, weights]);
    return {
      value: tf.conv2d(padded(input), weights, [...strides], 'valid'),
      gradFunc: (dy, saved) => {
        const [kept, kernels] = saved as [tf.Tensor4D, tf.Tensor4D];
        const ofOutput = dy as tf.Tensor4D;
        return [
          first ? tf.zerosLike(kept) : inputGradient(ofOutput, kernels, kept.shape, strides, pads),
          kernelGradient(padded(kept), ofOutput, kernels.shape, strides),
        ];
      },
    };
  });
  return op(x, kernel) as tf.Tensor4D;
}

/**
 * dW[y, x, c, f] = Σ over batch and positions of input · output gradient: a convolution of the input with the gradient as
 * its kernel, the batch in the place of the channels.
 */
function kernelGradient(x: tf.Tensor4D, dy: tf.Tensor4D, kernel: Shape4, strides: Pair): tf.Tensor4D {
  const [height, width] = [0, 1].map((axis) => {
    const [positions = 0, length = 0] = [dy.shape[axis + 1], kernel[axis]];
    return (positions - 1) * (strides[axis] ?? 1) + length;
  });
  const read = tf.slice(x, [0, 0, 0, 0], [x.shape[0], height ?? 0, width ?? 0, x.shape[3]]);
  const [input, gradient] = [tf.transpose(read, [3, 1, 2, 0]), tf.transpose(dy, [1, 2, 0, 3])];
  const product = tf.conv2d(input, gradient, 1, 'valid', 'NHWC', [...strides]);
  return tf.transpose(product, [1, 2, 0, 3]);
}

/** The output's gradient, zeros between where the convolution strides, with the kernel turned by half a circle. */
function inputGradient(dy: tf.Tensor4D, kernel: tf.Tensor4D, input: Shape4, strides: Pair, pads: Pads): tf.Tensor4D {
  const [kernelHeight, kernelWidth] = kernel.shape;
  const spread = spreadOut(dy, strides);
  const [top, left] = [kernelHeight - 1 - pads[0], kernelWidth - 1 - pads[1]];
  const bottom = input[1] + kernelHeight - 1 - spread.shape[1] - top;
  const right = input[2] + kernelWidth - 1 - spread.shape[2] - left;
  const turned = tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2]);
  return tf.conv2d(framed(spread, [top, left, bottom, right]), turned, 1, 'valid');
}

/** Rows and columns of zeros after each position: by concatenation, which is faster than padding six dimensions. */
function spreadOut(x: tf.Tensor4D, [down, right]: Pair): tf.Tensor4D {
  if (down === 1 && right === 1) return x;
  const [batch, height, width, channels] = x.shape;
  const wide = tf.concat([x, tf.zeros([batch, height, width, (right - 1) * channels])], 3);
  const row = width * right * channels;
  const rows = tf.reshape(wide, [batch, height, row]);
  const tall = tf.concat([rows, tf.zeros([batch, height, (down - 1) * row])], 2);
  return tf.reshape(tall, [batch, height * down, width * right, channels]);
}

type Shape4 = [number, number, number, number];
