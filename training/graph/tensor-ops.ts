import * as tf from '@tensorflow/tfjs-core';
import type { Activation, Node, Pads, Pair, Shape } from './graph.ts';

/** One node on tensors `[1, height, width, channels]`. */
export type Evaluate = (inputs: readonly tf.Tensor4D[]) => tf.Tensor4D;
/** Keeps a tensor until the interpreter is disposed of. */
type Hold = <T extends tf.Tensor>(weights: T) => T;
type Of<K extends Node['op']> = Extract<Node, { op: K }>;

/** A node as TF.js ops, its weights in place: what its WASM backend lacks is put together from what it has. */
export function prepareNode(node: Node, shapes: readonly Shape[], hold: Hold): Evaluate {
  const [first] = shapes;
  if (!first) throw new Error(`"${node.name}" has no input`);
  switch (node.op) {
    case 'conv':
      return convolution(node, first, hold);
    case 'dense': {
      const outputs = node.weights.length / first[2];
      const weights = hold(tf.tensor2d(node.weights, [first[2], outputs]));
      const bias = node.bias ? hold(tf.tensor1d(node.bias)) : null;
      return unary((x) => {
        const product = tf.matMul(tf.reshape(x, [1, first[2]]) as tf.Tensor2D, weights);
        return tf.reshape(bias ? tf.add(product, bias) : product, [1, 1, 1, outputs]);
      });
    }
    case 'scale-shift': {
      const scale = hold(tf.tensor1d(node.scale));
      const shift = hold(tf.tensor1d(node.shift));
      return unary((x) => tf.add(tf.mul(x, scale), shift));
    }
    case 'activation':
      return activate(node.activation, hold);
    case 'add':
      return binary((a, b) => tf.add(a, b));
    case 'mul':
      return binary((a, b) => tf.mul(a, b));
    case 'concat':
      return (inputs) => tf.concat([...inputs], 3);
    case 'max-pool':
      return maxPool(node, first);
    case 'average-pool':
      return averagePool(node, first, hold);
    case 'global-average-pool':
      return unary((x) => tf.mean<tf.Tensor4D>(x, [1, 2], true));
    case 'lrn':
      return localResponse(node, first[2], hold);
    case 'flatten':
      return unary((x) => tf.reshape(x, [1, 1, 1, x.size]));
    case 'softmax':
      return unary((x) => tf.softmax(x));
    case 'pad': {
      const [top, left, bottom, right] = node.pads;
      const [before, after] = node.channels;
      return unary((x) =>
        tf.pad(x, [
          [0, 0],
          [top, bottom],
          [left, right],
          [before, after],
        ]),
      );
    }
    case 'slice': {
      const begin = [0, ...node.start];
      const end = [
        1,
        ...node.size.map((size, axis) => (node.start[axis] ?? 0) + (size - 1) * (node.step[axis] ?? 1) + 1),
      ];
      return unary((x) => tf.stridedSlice(x, begin, end, [1, ...node.step]) as tf.Tensor4D);
    }
    default:
      return node satisfies never;
  }
}

/** TF.js takes a stride or a dilation, not both, and no groups: taps are spread with zeros, groups run one by one. */
function convolution(node: Of<'conv'>, [, , channels]: Shape, hold: Hold): Evaluate {
  const { groups, strides, dilations, pads } = node;
  const perGroup = channels / groups;
  const outputs = node.weights.length / (node.kernel[0] * node.kernel[1] * perGroup);
  const [high, wide, spreadWeights] = spread(node.weights, node.kernel, dilations, perGroup * outputs);
  const bias = node.bias ? hold(tf.tensor1d(node.bias)) : null;
  const biased = (x: tf.Tensor4D): tf.Tensor4D => (bias ? tf.add(x, bias) : x);
  const [top, left, bottom, right] = pads;
  const around: tf.backend_util.ExplicitPadding = [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
  const stride: [number, number] = [...strides];

  if (perGroup === 1 && groups > 1) {
    const weights = hold(tf.tensor4d(spreadWeights, [high, wide, channels, outputs / groups]));
    return unary((x) => biased(tf.depthwiseConv2d(x, weights, stride, around)));
  }
  const all = tf.tensor4d(spreadWeights, [high, wide, perGroup, outputs]);
  const parts = groups === 1 ? [hold(all)] : tf.split<tf.Tensor4D>(all, groups, 3).map(hold);
  if (groups > 1) all.dispose();
  return unary((x) => {
    const inputs = groups === 1 ? [x] : tf.split<tf.Tensor4D>(x, groups, 3);
    const results = parts.map((weights, group) => tf.conv2d(inputs[group] ?? x, weights, stride, around));
    return biased(tf.concat(results, 3));
  });
}

/** A dilated kernel as a plain one with zeros between its taps. `block`: weights a tap. */
function spread(weights: Float32Array, kernel: Pair, dilations: Pair, block: number): [number, number, Float32Array] {
  const high = (kernel[0] - 1) * dilations[0] + 1;
  const wide = (kernel[1] - 1) * dilations[1] + 1;
  if (high === kernel[0] && wide === kernel[1]) return [high, wide, weights];
  const result = new Float32Array(high * wide * block);
  for (let y = 0; y < kernel[0]; y++)
    for (let x = 0; x < kernel[1]; x++) {
      const from = (y * kernel[1] + x) * block;
      result.set(weights.subarray(from, from + block), (y * dilations[0] * wide + x * dilations[1]) * block);
    }
  return [high, wide, result];
}

function activate(activation: Activation, hold: Hold): Evaluate {
  switch (activation.kind) {
    case 'clip':
      if (activation.low === 0 && activation.high === Infinity) return unary((x) => tf.relu(x));
      return unary((x) => tf.clipByValue(x, activation.low, activation.high));
    case 'prelu': {
      const slope = hold(tf.tensor1d(activation.slope));
      return unary((x) => tf.add(tf.relu(x), tf.mul(slope, tf.minimum(x, 0))));
    }
    case 'sigmoid':
      return unary((x) => tf.sigmoid(x));
    case 'hard-sigmoid':
      return unary((x) => hardSigmoid(x, activation.alpha, activation.beta));
    case 'hard-swish':
      return unary((x) => tf.mul(x, hardSigmoid(x, 1 / 6, 1 / 2)));
    default:
      return activation satisfies never;
  }
}

const hardSigmoid = (x: tf.Tensor4D, alpha: number, beta: number): tf.Tensor4D =>
  tf.clipByValue(tf.add(tf.mul(x, alpha), beta), 0, 1);

/** Rows and columns that the windows of a pool take below and right of the map; negative where they leave some out. */
function poolFrame(node: Of<'max-pool'> | Of<'average-pool'>, [height, width]: Shape): Pads {
  const [top, left] = node.pads;
  const bottom = (node.output[0] - 1) * node.strides[0] + node.kernel[0] - height - top;
  const right = (node.output[1] - 1) * node.strides[1] + node.kernel[1] - width - left;
  return [top, left, bottom, right];
}

function maxPool(node: Of<'max-pool'>, shape: Shape): Evaluate {
  const pads = poolFrame(node, shape);
  if (node.kernel[0] * node.kernel[1] === 1) return unary((x) => subsample(frame(x, pads, 0), node.strides));
  return unary((x) => tf.maxPool(frame(x, pads, -Infinity), [...node.kernel], [...node.strides], 'valid'));
}

/** The mean of the framed window times its size over the divisor of each position. */
function averagePool(node: Of<'average-pool'>, shape: Shape, hold: Hold): Evaluate {
  const pads = poolFrame(node, shape);
  const area = node.kernel[0] * node.kernel[1];
  if (area === 1) return unary((x) => subsample(frame(x, pads, 0), node.strides));
  const [high, wide] = node.output;
  const counts = new Float32Array(high * wide);
  for (let y = 0; y < high; y++)
    for (let x = 0; x < wide; x++)
      counts[y * wide + x] = area / (covered(node, shape, 0, y) * covered(node, shape, 1, x));
  const factor = counts.every((value) => value === 1) ? null : hold(tf.tensor4d(counts, [1, high, wide, 1]));
  return unary((x) => {
    const mean = tf.avgPool(frame(x, pads, 0), [...node.kernel], [...node.strides], 'valid');
    return factor ? tf.mul(mean, factor) : mean;
  });
}

/** How many positions of a window the divisor counts along one axis. */
function covered(node: Of<'average-pool'>, shape: Shape, axis: 0 | 1, position: number): number {
  const before = node.countPads ? node.pads[axis] : 0;
  const after = node.countPads ? node.pads[axis === 0 ? 2 : 3] : 0;
  const start = position * node.strides[axis] - node.pads[axis];
  return Math.min(start + node.kernel[axis], shape[axis] + after) - Math.max(start, -before);
}

/** The sum over neighbouring channels is a 1x1 convolution of the squares with a band of ones. */
function localResponse(node: Of<'lrn'>, channels: number, hold: Hold): Evaluate {
  const band = new Float32Array(channels * channels);
  const before = Math.floor((node.size - 1) / 2);
  for (let output = 0; output < channels; output++)
    for (let input = Math.max(0, output - before); input < Math.min(channels, output - before + node.size); input++)
      band[input * channels + output] = node.alpha / node.size;
  const weights = hold(tf.tensor4d(band, [1, 1, channels, channels]));
  return unary((x) => tf.div(x, tf.pow(tf.add(tf.conv2d(tf.square(x), weights, 1, 'valid'), node.k), node.beta)));
}

/** Pads with `value`, or cuts off where a pad is negative. */
function frame(x: tf.Tensor4D, [top, left, bottom, right]: Pads, value: number): tf.Tensor4D {
  const [, height, width, channels] = x.shape;
  const cut = bottom < 0 || right < 0;
  const size: [number, number, number, number] = [
    1,
    height + Math.min(bottom, 0),
    width + Math.min(right, 0),
    channels,
  ];
  const inner = cut ? tf.slice(x, [0, 0, 0, 0], size) : x;
  const pads: [number, number][] = [
    [0, 0],
    [top, Math.max(bottom, 0)],
    [left, Math.max(right, 0)],
    [0, 0],
  ];
  return pads.some(([before, after]) => before + after > 0) ? tf.pad(inner, pads, value) : inner;
}

const subsample = (x: tf.Tensor4D, [y, wide]: Pair): tf.Tensor4D =>
  y === 1 && wide === 1 ? tf.clone(x) : (tf.stridedSlice(x, [0, 0, 0, 0], x.shape, [1, y, wide, 1]) as tf.Tensor4D);

const unary =
  (evaluate: (x: tf.Tensor4D) => tf.Tensor4D): Evaluate =>
  ([x]) => {
    if (!x) throw new Error('an input is missing');
    return evaluate(x);
  };

const binary =
  (evaluate: (a: tf.Tensor4D, b: tf.Tensor4D) => tf.Tensor4D): Evaluate =>
  ([a, b]) => {
    if (!a || !b) throw new Error('an input is missing');
    return evaluate(a, b);
  };
