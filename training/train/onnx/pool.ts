import { type Of, type Pass, type Step, simple } from './step.ts';

type Pool = Of<'max-pool' | 'average-pool'>;

/**
 * The gradient goes to the first of the largest, as its position says: where all of a window is equal (the background
 * of a picture), comparing with the maximum would give it to all of them.
 */
export function maxPool({ graph }: Pass, layer: Pool, input: string): Step {
  const window = windowOf(layer);
  const [value, positions] = graph.addMany('MaxPool', [input], 2, window) as [string, string];
  return simple(value, (gradient) => {
    const apart = layer.kernel.every((length, axis) => length <= (layer.strides[axis] ?? 1));
    const shape = graph.add('Shape', [input]);
    const { kernel_shape, strides } = window;
    if (apart && Math.max(...window.pads) === 0)
      return graph.add('MaxUnpool', [gradient, positions, shape], { kernel_shape, strides });
    const zeros = graph.add('ConstantOfShape', [graph.reshape(graph.add('Size', [input]), 1)]);
    const flat = [zeros, graph.reshape(positions, -1), graph.reshape(gradient, -1)];
    return graph.add('Reshape', [graph.add('ScatterElements', flat, { reduction: { text: 'add' } }), shape]);
  });
}

/** Padding does not count: a window at the border is divided by the positions that it has within the map. */
export function averagePool({ graph }: Pass, layer: Pool, input: string): Step {
  const window = windowOf(layer);
  const { kernel_shape, strides, pads } = window;
  const [height, width, channels] = layer.output;
  return simple(graph.add('AveragePool', [input], { ...window, count_include_pad: 0 }), (gradient) => {
    const [rows, columns] = [within(layer, 0), within(layer, 1)];
    const shares = rows.flatMap((row) => columns.map((column) => 1 / (row * column)));
    const shared = graph.add('Mul', [gradient, graph.floats(shares, [1, 1, height, width])]);
    const ones = graph.floats(new Float32Array(channels * kernel_shape[0] * kernel_shape[1]).fill(1), [
      ...[channels, 1, ...kernel_shape],
    ]);
    const output_padding = [unread(layer, 0), unread(layer, 1)].map((rows) => Math.max(0, rows));
    const attributes = { kernel_shape, strides, pads, group: channels, output_padding };
    return graph.add('ConvTranspose', [shared, ones], attributes);
  });
}

/** @returns a map of one position, or a vector */
export function globalAveragePool({ graph }: Pass, layer: Of<'global-average-pool'>, input: string): Step {
  const [height, width, channels] = layer.input;
  return simple(graph.reduce('ReduceMean', input, [2, 3], layer.keepDims), (gradient) => {
    const shared = graph.add('Mul', [gradient, graph.number(1 / (height * width))]);
    return graph.add('Expand', [graph.reshape(shared, 0, channels, 1, 1), graph.ints([1, 1, height, width])]);
  });
}

/** Padding below and right so that the layer's own number of windows fits, also one that reaches beyond the map. */
function windowOf(layer: Pool) {
  const { kernel, strides, pads } = layer;
  const after = (axis: 0 | 1) => Math.max(0, -unread(layer, axis));
  return { kernel_shape: kernel, strides, pads: [pads[0], pads[1], after(0), after(1)] };
}

/** Rows or columns after the last window; negative where it reaches beyond. */
function unread({ kernel, strides, pads, input, output }: Pool, axis: 0 | 1): number {
  return input[axis] + pads[axis] - (output[axis] - 1) * strides[axis] - kernel[axis];
}

/** How many rows or columns of each window lie within the map. */
function within({ kernel, strides, pads, input, output }: Pool, axis: 0 | 1): number[] {
  return Array.from({ length: output[axis] }, (_, index) => {
    const start = index * strides[axis] - pads[axis];
    return Math.min(start + kernel[axis], input[axis]) - Math.max(start, 0);
  });
}
