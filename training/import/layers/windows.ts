import type { Pads, Pair, Shape } from '../../graph/graph.ts';
import { activated } from './activation.ts';
import type { LayerCall, Value, Weight } from './call.ts';

/** Keras' kernels are HWIO already. */
export function conv2d(call: LayerCall): Value {
  const input = call.map;
  const kernel = call.weight('kernel');
  const groups = call.config.number('groups', 1);
  return activated(call, (suffix) => convolve(call, input, kernel, groups, bias(call), suffix));
}

/** `[y][x][channel][multiplier]` is HWIO of as many groups as there are channels. */
export function depthwiseConv2d(call: LayerCall): Value {
  const input = call.map;
  const kernel = call.weightOr('depthwise_kernel') ?? call.weight('kernel');
  return activated(call, (suffix) => convolve(call, input, kernel, input.shape[2], bias(call), suffix));
}

/** A depthwise convolution without bias, then a 1x1 one (Chollet 2017, "Xception", section 3). */
export function separableConv2d(call: LayerCall): Value {
  const input = call.map;
  const first = convolve(call, input, call.weight('depthwise_kernel'), input.shape[2], null, 'depthwise');
  const { values } = call.weight('pointwise_kernel');
  const pointwise = {
    op: 'conv',
    kernel: [1, 1],
    strides: [1, 1],
    dilations: [1, 1],
    pads: [0, 0, 0, 0],
    groups: 1,
    weights: values,
  } as const;
  return activated(call, (suffix) => call.emit({ ...pointwise, bias: bias(call) }, [first], suffix));
}

export function pool2d(call: LayerCall, op: 'max-pool' | 'average-pool'): Value {
  const input = call.map;
  const kernel = call.config.pair('pool_size', 2);
  const strides = call.config.has('strides') ? call.config.pair('strides') : kernel;
  const pads = padding(call, input.shape, kernel, strides, [1, 1]);
  const length = (axis: 0 | 1) =>
    Math.floor((input.shape[axis] + pads[axis] + pads[axis === 0 ? 2 : 3] - kernel[axis]) / strides[axis]) + 1;
  const window = { kernel, strides, pads, output: [length(0), length(1)] } as const;
  return call.emit(op === 'max-pool' ? { op, ...window } : { op, ...window, countPads: false }, [input]);
}

export function globalPool(call: LayerCall, op: 'max-pool' | 'global-average-pool'): Value {
  const input = call.map;
  const [height, width] = input.shape;
  const value = call.emit(
    op === 'max-pool' ? { op, kernel: [height, width], strides: [1, 1], pads: [0, 0, 0, 0], output: [1, 1] } : { op },
    [input],
  );
  return { ...value, rank: call.config.flag('keepdims', false) ? 3 : 1 };
}

function convolve(
  call: LayerCall,
  input: Value,
  { shape, values }: Weight,
  groups: number,
  offsets: Float32Array | null,
  suffix: string,
): Value {
  const [y = 0, x = 0] = shape;
  if (shape.length !== 4) call.fail(`has a kernel [${shape}]; four dimensions are read`);
  const strides = call.config.pair('strides', 1);
  const dilations = call.config.pair('dilation_rate', 1);
  const kernel = [y, x] as const;
  const pads = padding(call, input.shape, kernel, strides, dilations);
  return call.emit(
    { op: 'conv', kernel, strides, dilations, pads, groups, weights: values, bias: offsets },
    [input],
    suffix,
  );
}

export function bias(call: LayerCall): Float32Array | null {
  return call.config.flag('use_bias', true) ? call.weight('bias').values : null;
}

/** `same` gives ceil(size / stride) positions, and puts the odd zero after the map (TensorFlow's rule). */
function padding(call: LayerCall, shape: Shape, kernel: Pair, strides: Pair, dilations: Pair): Pads {
  const rule = call.config.text('padding', 'valid');
  if (rule === 'valid') return [0, 0, 0, 0];
  if (rule !== 'same') call.fail(`has the padding "${rule}"; "valid" and "same" are read`);
  const total = (axis: 0 | 1) =>
    Math.max(
      (Math.ceil(shape[axis] / strides[axis]) - 1) * strides[axis] +
        (kernel[axis] - 1) * dilations[axis] +
        1 -
        shape[axis],
      0,
    );
  const [rows, columns] = [total(0), total(1)];
  const [top, left] = [Math.floor(rows / 2), Math.floor(columns / 2)];
  return [top, left, rows - top, columns - left];
}
