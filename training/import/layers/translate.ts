import {
  activateAs,
  activated,
  activationLayer,
  leakyReluLayer,
  preluLayer,
  reluLayer,
  softmaxLayer,
} from './activation.ts';
import { add, average, divide, multiply, scaled, subtract, tensorFlowOp } from './arithmetic.ts';
import type { LayerCall, Value } from './call.ts';
import { bias, conv2d, depthwiseConv2d, globalPool, pool2d, separableConv2d } from './windows.ts';

/** Keras' layers by class name (https://keras.io/api/layers), each with what it becomes. */
const LAYERS: Readonly<Record<string, (call: LayerCall) => Value>> = {
  Conv2D: conv2d,
  Convolution2D: conv2d,
  DepthwiseConv2D: depthwiseConv2d,
  SeparableConv2D: separableConv2d,
  SeparableConvolution2D: separableConv2d,
  Dense: dense,
  BatchNormalization: batchNormalization,

  Activation: activationLayer,
  ReLU: reluLayer,
  LeakyReLU: leakyReluLayer,
  PReLU: preluLayer,
  Softmax: softmaxLayer,

  MaxPooling2D: (call) => pool2d(call, 'max-pool'),
  AveragePooling2D: (call) => pool2d(call, 'average-pool'),
  GlobalAveragePooling2D: (call) => globalPool(call, 'global-average-pool'),
  GlobalMaxPooling2D: (call) => globalPool(call, 'max-pool'),

  ZeroPadding2D: (call) => {
    const [top, bottom, left, right] = call.config.frame('padding');
    return call.emit({ op: 'pad', pads: [top, left, bottom, right], channels: [0, 0] }, [call.map]);
  },
  Cropping2D: (call) => {
    const [height, width, channels] = call.map.shape;
    const [top, bottom, left, right] = call.config.frame('cropping');
    const size = [height - top - bottom, width - left - right, channels] as const;
    return call.emit({ op: 'slice', start: [top, left, 0], size, step: [1, 1, 1] }, [call.map]);
  },
  Flatten: (call) => ({ ...call.input, rank: 1 }),
  Reshape: reshape,

  Add: add,
  Multiply: multiply,
  Subtract: subtract,
  Average: average,
  Concatenate: concatenate,
  Rescaling: (call) => scaled(call, call.input, call.config.numbers('scale', 1), call.config.numbers('offset', 0)),
  Normalization: (call) => {
    const { values: mean } = call.weight('mean');
    const scale = Array.from(call.weight('variance').values, (value) => 1 / Math.max(Math.sqrt(value), 1e-7));
    const shift = scale.map((factor, i) => -(mean[i] ?? 0) * factor);
    return scaled(call, call.input, scale, shift);
  },

  // Operators in the code of a network: Keras 2 names a TensorFlow function, Keras 3 has a class for each.
  TFOpLambda: tensorFlowOp,
  TrueDivide: divide,
  Divide: divide,
  Relu: (call) => activateAs(call, 'relu'),
  Relu6: (call) => activateAs(call, 'relu6'),
  Silu: (call) => activateAs(call, 'silu'),
  Sigmoid: (call) => activateAs(call, 'sigmoid'),
};

/** Layers that do nothing once a network is trained. */
const IDLE = /^((Spatial|Gaussian|Alpha)?Dropout(2D)?|GaussianNoise|ActivityRegularization|Identity|Random[A-Z]\w+)$/;

/** @throws GraphError for a class that is not among these, saying what could be done. */
export function translateLayer(call: LayerCall): Value {
  if (IDLE.test(call.kind)) return call.input;
  const layer = Object.hasOwn(LAYERS, call.kind) ? LAYERS[call.kind] : undefined;
  if (layer) return layer(call);
  const advice = /Lambda|OpLayer|Custom/.test(call.kind)
    ? 'code in a layer cannot be read: write it with layers'
    : `replace it in the network by layers that are: ${Object.keys(LAYERS).join(', ')}`;
  return call.fail(`is a layer that is not supported: ${advice}`);
}

/** On a map Keras multiplies the channels of each position: a 1x1 convolution. */
function dense(call: LayerCall): Value {
  const { input } = call;
  const { values, shape } = call.weight('kernel');
  const [height, width] = input.shape;
  if (input.rank === 2) call.fail('multiplies a map of one channel along its rows; flatten it first');
  if (input.rank === 3 && height * width > 1) {
    const window = { kernel: [1, 1], strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], groups: 1 } as const;
    return activated(call, (suffix) =>
      call.emit({ op: 'conv', ...window, weights: values, bias: bias(call) }, [input], suffix),
    );
  }
  const vector = call.vector(input);
  if (shape[0] !== vector.shape[2]) call.fail(`has a kernel [${shape}] for ${vector.shape[2]} inputs`);
  return activated(call, (suffix) => ({
    ...call.emit({ op: 'dense', weights: values, bias: bias(call) }, [vector], suffix),
    rank: input.rank,
  }));
}

/** Batch normalization at inference (Ioffe and Szegedy 2015, algorithm 2). */
function batchNormalization(call: LayerCall): Value {
  const axis = call.config.number('axis', -1);
  const flat = call.input.rank === 1;
  if (axis !== -1 && axis !== call.input.rank) call.fail(`normalizes the axis ${axis}; the channels, last, are read`);
  const { values: mean } = call.weight('moving_mean');
  const { values: variance } = call.weight('moving_variance');
  const gamma = call.config.flag('scale', true) ? call.weight('gamma').values : null;
  const beta = call.config.flag('center', true) ? call.weight('beta').values : null;
  const epsilon = call.config.number('epsilon', 1e-3);
  const scale = Array.from(variance, (value, i) => (gamma?.[i] ?? 1) / Math.sqrt(value + epsilon));
  const shift = scale.map((factor, i) => (beta?.[i] ?? 0) - (mean[i] ?? 0) * factor);
  return scaled(call, flat ? call.vector(call.input) : call.input, scale, shift);
}

/** Only what leaves the order in memory as it is. */
function reshape(call: LayerCall): Value {
  const { input } = call;
  const wanted = call.config.value('target_shape');
  const total = input.shape.reduce((a, b) => a * b, 1);
  if (!Array.isArray(wanted)) call.fail('has no target_shape');
  const rest = wanted.filter((size) => size > 0).reduce((a: number, b: number) => a * b, 1);
  const target: number[] = wanted.map((size) => (size > 0 ? size : total / rest));
  const [height, width, channels] = input.shape;
  if (target.length === 1 && target[0] === total) return { ...input, rank: 1 };
  if (target.length === 3 && target.every((size, axis) => size === input.shape[axis])) return { ...input, rank: 3 };
  if (target.length === 2 && channels === 1 && target[0] === height && target[1] === width)
    return { ...input, rank: 2 };
  const vector = target.filter((size) => size !== 1).length <= 1 && target.at(-1) === total;
  if (vector && target.length <= 3) return { ...call.vector(input), rank: target.length === 3 ? 3 : 1 };
  return call.fail(`turns [${input.shape}] into [${target}], which no engine here does`);
}

function concatenate(call: LayerCall): Value {
  const [first] = call.inputs;
  const axis = call.config.number('axis', -1);
  if (!first) call.fail('has no input');
  if (axis !== -1 && axis !== first.rank) call.fail(`joins along the axis ${axis}; the channels, last, are read`);
  const inputs = first.rank === 1 ? call.inputs.map((input) => call.vector(input)) : call.inputs;
  return inputs.length === 1 ? first : call.emit({ op: 'concat' }, inputs);
}
