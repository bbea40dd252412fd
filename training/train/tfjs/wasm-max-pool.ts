import * as tf from '@tensorflow/tfjs-core';
import type { Pair } from '../../graph/graph.ts';
import type { Save } from './save.ts';

/**
 * A maximum pool. The gradient of TF.js' WASM backend finds no maximum among negative numbers and takes the first
 * position (4.22: its search begins at the smallest positive number): it gets the numbers raised above zero.
 */
export function maxPoolOfAny(x: tf.Tensor4D, kernel: Pair, strides: Pair): tf.Tensor4D {
  const window = { filterSize: [...kernel], strides: [...strides], pad: 'valid' };
  const op = tf.customGrad((...args) => {
    const [input, save] = args as unknown as [tf.Tensor4D, Save];
    save([input]);
    return {
      value: tf.maxPool(input, [...kernel], [...strides], 'valid'),
      gradFunc: (dy, saved) => {
        const [kept = input] = saved as tf.Tensor[];
        const raised = tf.sub(kept, tf.min(kept));
        return tf.engine().runKernel(tf.MaxPoolGrad, { dy, input: raised, output: raised }, window) as tf.Tensor;
      },
    };
  });
  return op(x) as tf.Tensor4D;
}
