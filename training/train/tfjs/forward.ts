import * as tf from '@tensorflow/tfjs-core';
import type { Layer, LayerActivation } from '../../architectures/layer.ts';
import { frameOf } from '../../architectures/to-tfjs.ts';
import { randomNumbers, seedOf } from '../random.ts';
import { batchNormInTraining, meanOfChannels, meanOverMap } from './batch-norm.ts';
import { framed } from './framed.ts';
import { convOfConvs } from './wasm-conv.ts';
import { maxPoolOfAny } from './wasm-max-pool.ts';

/** What a pass through a network in training leaves beside its outputs. */
export interface TrainingPass {
  /** Decides what dropout drops. */
  readonly seed: number;
  /** `<layer>/moving_mean` and `<layer>/moving_variance`, filled here; kept tensors. */
  readonly statistics: Map<string, tf.Tensor>;
}

/** Of parameters by `<layer>/<parameter>`. */
export type ReadParameter = (name: string) => tf.Tensor;

/**
 * Layers on TF.js' operations, differentiable. A softmax is left out: losses and scores have their own.
 * @param values what the layers may read by name, the network's input first; what each makes is added
 * @param training null for inference
 * @returns the last one's value
 */
export function forward(
  layers: readonly Layer[],
  values: Map<string, tf.Tensor>,
  parameter: ReadParameter,
  training: TrainingPass | null,
): tf.Tensor {
  const pixels = values.values().next().value;
  let last = pixels ?? tf.scalar(0);
  for (const [index, layer] of layers.entries()) {
    const inputs = layer.inputs.map((name) => named(values, name));
    const read = (name: string) => parameter(`${layer.name}/${name}`);
    last = apply(layer, inputs, read, training, { index, first: inputs[0] === pixels });
    values.set(layer.name, last);
  }
  return last;
}

function apply(
  layer: Layer,
  inputs: readonly tf.Tensor[],
  parameter: ReadParameter,
  training: TrainingPass | null,
  place: { readonly index: number; readonly first: boolean },
): tf.Tensor {
  const [x = tf.scalar(0), second = x] = inputs;
  const map = x as tf.Tensor4D;
  switch (layer.kind) {
    case 'conv': {
      const linear = convolution(layer, map, parameter('kernel') as tf.Tensor4D, place.first);
      return activated(layer.bias ? addBias(linear, parameter('bias')) : linear, layer.activation);
    }
    case 'dense': {
      const product = tf.matMul(x as tf.Tensor2D, parameter('kernel') as tf.Tensor2D);
      return activated(addBias(product, parameter('bias')), layer.activation);
    }
    case 'batch-norm':
      return batchNorm(layer, x, parameter, training);
    case 'activation':
      return activated(x, layer.activation);
    case 'max-pool':
      return maxPool(layer, map);
    case 'average-pool':
      return tf.avgPool(framed(map, frameOf(layer)), [...layer.kernel], [...layer.strides], 'valid');
    case 'global-average-pool': {
      const mean = meanOverMap(map);
      return layer.keepDims ? tf.reshape(mean, [mean.shape[0], 1, 1, mean.shape[1]]) : mean;
    }
    case 'lrn':
      return tf.localResponseNormalization(map, (layer.size - 1) / 2, layer.k, layer.alpha / layer.size, layer.beta);
    case 'zero-pad':
      return framed(map, layer.pads);
    case 'flatten':
      return tf.reshape(x, [x.shape[0] ?? 0, -1]);
    case 'dropout':
      return training ? tf.mul(x, dropoutMask(x, layer.rate, seedOf(training.seed, place.index))) : x;
    case 'add':
      return tf.add(x, second);
    case 'mul':
      return tf.mul(x, second);
    case 'concat':
      return tf.concat([...inputs], -1);
    default:
      return layer satisfies never;
  }
}

function convolution(
  layer: Extract<Layer, { kind: 'conv' }>,
  x: tf.Tensor4D,
  kernel: tf.Tensor4D,
  first: boolean,
): tf.Tensor {
  const { groups, strides } = layer;
  const frame = frameOf(layer);
  const one = (input: tf.Tensor4D, weights: tf.Tensor4D) =>
    tf.getBackend() === 'wasm'
      ? convOfConvs(input, weights, { strides, pads: frame, first })
      : tf.conv2d(framed(input, frame), weights, [...strides], 'valid');
  if (groups === 1) return one(x, kernel);
  const kernels = tf.split(kernel, groups, 3) as tf.Tensor4D[];
  const parts = tf.split(x, groups, 3) as tf.Tensor4D[];
  return tf.concat(
    parts.map((part, group) => one(part, kernels[group] ?? kernel)),
    3,
  );
}

/** Zeros around never win: what is pooled here is not negative, or not padded. */
function maxPool(layer: Extract<Layer, { kind: 'max-pool' | 'average-pool' }>, x: tf.Tensor4D): tf.Tensor {
  const map = framed(x, frameOf(layer));
  if (tf.getBackend() === 'wasm') return maxPoolOfAny(map, layer.kernel, layer.strides);
  return tf.maxPool(map, [...layer.kernel], [...layer.strides], 'valid');
}

function batchNorm(
  layer: Extract<Layer, { kind: 'batch-norm' }>,
  x: tf.Tensor,
  parameter: ReadParameter,
  training: TrainingPass | null,
): tf.Tensor {
  const [gamma, beta] = [parameter('gamma'), parameter('beta')];
  if (!training) {
    const scale = tf.mul(gamma, tf.rsqrt(tf.add(parameter('moving_variance'), layer.epsilon)));
    return tf.add(tf.mul(x, scale), tf.sub(beta, tf.mul(parameter('moving_mean'), scale)));
  }
  const { output, mean, variance } = batchNormInTraining(x, gamma, beta, layer.epsilon);
  training.statistics.set(`${layer.name}/moving_mean`, mean);
  training.statistics.set(`${layer.name}/moving_variance`, variance);
  return output;
}

function activated(x: tf.Tensor, activation: LayerActivation | null): tf.Tensor {
  switch (activation) {
    case 'relu':
      return tf.relu(x);
    case 'sigmoid':
      return tf.sigmoid(x);
    case 'tanh':
      return tf.tanh(x);
    case 'softmax':
    case null:
      return x;
    default:
      return activation satisfies never;
  }
}

/** The gradient of a bias is a sum over positions: as a mean, since TF.js' sums transpose first. */
function addBias(x: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  const op = tf.customGrad((...args) => {
    const [input, shift] = args as unknown as [tf.Tensor, tf.Tensor];
    const rows = input.size / shift.size;
    return {
      value: tf.add(input, shift),
      gradFunc: (dy) => {
        return [dy, tf.mul(meanOfChannels(dy), rows)];
      },
    };
  });
  return op(x, bias);
}

/** 0 where a value is dropped, 1 / (1 − rate) elsewhere: the same numbers on every backend. */
function dropoutMask(x: tf.Tensor, rate: number, seed: number): tf.Tensor {
  const random = randomNumbers(seed);
  return tf.tensor(
    Float32Array.from({ length: x.size }, () => (random() < rate ? 0 : 1 / (1 - rate))),
    x.shape,
  );
}

function named(values: ReadonlyMap<string, tf.Tensor>, name: string): tf.Tensor {
  const value = values.get(name);
  if (!value) throw new Error(`No layer before makes "${name}"`);
  return value;
}
