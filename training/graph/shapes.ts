import { type Graph, GraphError, type Node, type Pads, type Pair, type Shape } from './graph.ts';

/** More elements than any feature map of a network that could run: 1 GiB of float32. */
const MAX_ELEMENTS = 2 ** 28;

/**
 * Shape of every value of a graph by name, the input's included. Also holds each node's weights to the sizes that its
 * shapes ask for, since a convolution's output channels follow from them.
 * @throws GraphError at the first node whose inputs or weights don't fit.
 */
export function shapesOf(graph: Graph): Map<string, Shape> {
  const shapes = new Map<string, Shape>([[graph.input.name, bounded(graph.input.name, graph.input.shape)]]);
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => {
      const shape = shapes.get(name);
      if (!shape)
        throw new GraphError(`Node "${node.name}" (${node.op}) reads "${name}", which nothing before it makes.`);
      return shape;
    });
    shapes.set(node.name, shapeOf(node, inputs));
  }
  return shapes;
}

/** Shape of a node's value from those of its inputs. */
export function shapeOf(node: Node, inputs: readonly Shape[]): Shape {
  const count = node.op === 'concat' ? Math.max(1, inputs.length) : node.op === 'add' || node.op === 'mul' ? 2 : 1;
  const first = inputs[0];
  if (inputs.length !== count || !first) fail(node, `takes ${count} input(s), and has ${inputs.length}`);
  return bounded(node.name, rule(node, first, inputs));
}

/** The number of elements of a shape. */
export function elements([height, width, channels]: Shape): number {
  return height * width * channels;
}

function rule(node: Node, first: Shape, inputs: readonly Shape[]): Shape {
  const [height, width, channels] = first;
  switch (node.op) {
    case 'conv': {
      const [padTop, padLeft, padBottom, padRight] = node.pads;
      if (node.groups < 1 || channels % node.groups) fail(node, `has ${node.groups} groups over ${channels} channels`);
      const taps = node.kernel[0] * node.kernel[1] * (channels / node.groups);
      const outputs = node.weights.length / taps;
      if (!Number.isInteger(outputs) || outputs < 1 || outputs % node.groups)
        fail(node, `has ${node.weights.length} weights, no multiple of ${taps} (kernel · input channels / groups)`);
      sized(node, 'bias', node.bias, outputs);
      const high = span(node, height + padTop + padBottom, node.kernel[0], node.strides[0], node.dilations[0]);
      const wide = span(node, width + padLeft + padRight, node.kernel[1], node.strides[1], node.dilations[1]);
      return [high, wide, outputs];
    }
    case 'dense': {
      if (height !== 1 || width !== 1) fail(node, `takes a vector, and gets ${text(first)}: flatten it first`);
      const outputs = node.weights.length / channels;
      if (!Number.isInteger(outputs) || outputs < 1)
        fail(node, `has ${node.weights.length} weights, no multiple of its ${channels} inputs`);
      sized(node, 'bias', node.bias, outputs);
      return [1, 1, outputs];
    }
    case 'scale-shift':
      if (node.scale.length !== 1) sized(node, 'scale', node.scale, channels);
      if (node.shift.length !== 1) sized(node, 'shift', node.shift, channels);
      return first;
    case 'activation':
      if (node.activation.kind === 'prelu' && node.activation.slope.length !== 1)
        sized(node, 'slope', node.activation.slope, channels);
      return first;
    case 'add':
    case 'mul': {
      const second = inputs[1] ?? first;
      const broadcast = node.op === 'mul' && second[0] === 1 && second[1] === 1 && second[2] === channels;
      if (!broadcast && !same(first, second)) fail(node, `joins ${text(first)} and ${text(second)}`);
      return first;
    }
    case 'concat': {
      let sum = 0;
      for (const shape of inputs) {
        if (shape[0] !== height || shape[1] !== width) fail(node, `joins ${text(first)} and ${text(shape)}`);
        sum += shape[2];
      }
      return [height, width, sum];
    }
    case 'max-pool':
    case 'average-pool':
      window(node, first, node.kernel, node.strides, node.pads, node.output);
      return [node.output[0], node.output[1], channels];
    case 'global-average-pool':
      return [1, 1, channels];
    case 'lrn':
      if (!Number.isInteger(node.size) || node.size < 1) fail(node, `has size ${node.size}`);
      return first;
    case 'flatten':
      return [1, 1, elements(first)];
    case 'softmax':
      if (height !== 1 || width !== 1) fail(node, `takes a vector, and gets ${text(first)}`);
      return first;
    case 'pad': {
      const [top, left, bottom, right] = node.pads;
      if ([...node.pads, ...node.channels].some((pad) => pad < 0)) fail(node, 'has negative pads: use a slice');
      return [height + top + bottom, width + left + right, channels + node.channels[0] + node.channels[1]];
    }
    case 'slice':
      node.size.forEach((size, axis) => {
        const [start, step] = [node.start[axis] ?? 0, node.step[axis] ?? 1];
        if (size < 1 || step < 1 || start < 0 || start + (size - 1) * step >= (first[axis] ?? 0))
          fail(node, `takes ${size} of ${first[axis]} from ${start} by ${step} along axis ${axis}`);
      });
      return node.size;
    default:
      return node satisfies never;
  }
}

/** Positions of a kernel along one padded side. */
function span(node: Node, padded: number, kernel: number, stride: number, dilation: number): number {
  if (kernel < 1 || stride < 1 || dilation < 1) fail(node, 'has a kernel, stride or dilation below 1');
  const size = Math.floor((padded - (kernel - 1) * dilation - 1) / stride) + 1;
  if (size < 1) fail(node, `has a kernel larger than its padded input: the network needs a larger input`);
  return size;
}

/** Every window of a pool covers at least one position of the map. */
function window(node: Node, input: Shape, kernel: Pair, strides: Pair, pads: Pads, output: Pair): void {
  for (const axis of [0, 1] as const) {
    const last = (output[axis] - 1) * strides[axis] - pads[axis];
    if (kernel[axis] < 1 || strides[axis] < 1 || output[axis] < 1) fail(node, 'has a kernel, stride or output below 1');
    if (pads[axis] >= kernel[axis] || last >= input[axis])
      fail(node, `has a window that lies wholly outside its input ${text(input)}`);
  }
}

function sized(node: Node, what: string, values: Float32Array | null, length: number): void {
  if (values && values.length !== length) fail(node, `has ${values.length} values of ${what}, and needs ${length}`);
}

function bounded(name: string, shape: Shape): Shape {
  if (shape.some((size) => !Number.isInteger(size) || size < 1) || elements(shape) > MAX_ELEMENTS)
    throw new GraphError(
      `"${name}" would have the shape ${text(shape)}: sizes must be 1 or more, and ${MAX_ELEMENTS} elements at most.`,
    );
  return shape;
}

const same = (a: Shape, b: Shape) => a[0] === b[0] && a[1] === b[1] && a[2] === b[2];
const text = (shape: Shape) => `[${shape.join(', ')}]`;

function fail(node: Node, what: string): never {
  throw new GraphError(`Node "${node.name}" (${node.op}) ${what}.`);
}
