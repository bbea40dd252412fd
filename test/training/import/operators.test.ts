import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Shape } from '../../../training/graph/graph.ts';
import { prepareInterpreter } from '../../../training/graph/interpret.ts';
import { openModel } from '../../../training/import/open.ts';
import { type Attribute, type TestModel, type TestNode, type TestTensor, writeModel } from './onnx-writer.ts';

/** ONNX ops one by one: the same file through onnxruntime, and through the importer and the float interpreter. */

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'operators-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Numbers that look random and are the same in every run, in −1…1. */
function noise(count: number, seed = 1): Float32Array {
  let state = seed * 2654435761;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) as number;
  });
}

const floats = (dims: readonly number[], seed = 2): TestTensor => ({
  dims,
  floats: noise(
    dims.reduce((a, b) => a * b, 1),
    seed,
  ),
});
const positive = (dims: readonly number[], seed = 3): TestTensor => {
  const tensor = floats(dims, seed);
  return { dims, floats: Float32Array.from(tensor.floats ?? [], (value) => Math.abs(value) + 0.1) };
};
const number = (value: number): TestTensor => ({ dims: [], floats: [value] });
const ints = (...values: number[]): TestTensor => ({ dims: [values.length], ints: values });
const node = (op: string, inputs: string, output: string, attributes: Record<string, Attribute> = {}): TestNode => ({
  op,
  inputs: inputs.split(' '),
  outputs: output.split(' '),
  attributes,
});

/** NCHW or a vector, batch 1 → HWC. */
function toHwc(values: Float32Array, dims: readonly number[]): Float32Array {
  const [, channels = 1, height = 1, width = 1] = dims;
  return values.map((_, i) => {
    const [pixel, channel] = [Math.floor(i / channels), i % channels];
    return values[channel * height * width + pixel] ?? Number.NaN;
  });
}

async function difference(model: TestModel): Promise<number> {
  const bytes = writeModel(model);
  const file = path.join(folder, 'model.onnx');
  await writeFile(file, bytes);
  const dims = model.input.map((dim) => (typeof dim === 'number' ? dim : 1));
  const input = noise(
    dims.reduce((a, b) => a * b, 1),
    7,
  ).map((value) => value * 4);
  const session = await ort.InferenceSession.create(bytes, { graphOptimizationLevel: 'disabled', logSeverityLevel: 3 });
  const { [model.output ?? 'y']: expected } = await session.run({ x: new ort.Tensor('float32', input, dims) });
  if (!expected) throw new Error('onnxruntime gave nothing');
  const graph = await openModel(file);
  const interpreter = await prepareInterpreter(graph);
  const values = await interpreter.run(toHwc(input, dims), (name) => name === graph.output);
  interpreter.dispose();
  const actual = values.get(graph.output) ?? new Float32Array();
  const wanted = toHwc(expected.data as Float32Array, expected.dims);
  const shape: Shape = interpreter.shapes.get(graph.output) ?? [0, 0, 0];
  expect(shape.reduce((a, b) => a * b, 1)).toBe(wanted.length);
  if (expected.dims.length === 4) expect([1, shape[2], shape[0], shape[1]]).toEqual(expected.dims);
  expect(
    wanted.some((value) => Math.abs(value) > 1e-3),
    'onnxruntime gives zeros only: the case tests nothing',
  ).toBe(true);
  return actual.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (wanted[i] ?? Number.NaN))), 0);
}

const conv = (attributes: Record<string, Attribute>, weights: number[], input = [1, 4, 9, 11]): TestModel => ({
  input,
  initializers: { w: floats(weights), b: floats([weights[0] ?? 1], 5) },
  nodes: [node('Conv', 'x w b', 'y', { kernel_shape: weights.slice(2), ...attributes })],
});
const pool = (op: string, attributes: Record<string, Attribute>, input = [1, 3, 10, 13]): TestModel => ({
  input,
  opset: 19,
  nodes: [node(op, 'x', 'y', attributes)],
});
const unary = (op: string, attributes: Record<string, Attribute> = {}, opset = 14): TestModel => ({
  input: [1, 3, 4, 5],
  opset,
  nodes: [node(op, 'x', 'y', attributes)],
});
const withConstant = (op: string, inputs: string, c: TestTensor, input = [1, 3, 4, 5]): TestModel => ({
  input,
  opset: 16,
  initializers: { c },
  nodes: [node(op, inputs, 'y')],
});

const CASES: Record<string, TestModel> = {
  'Conv 3x3': conv({ pads: [1, 1, 1, 1] }, [6, 4, 3, 3]),
  'Conv asymmetric pads and strides': conv({ pads: [0, 2, 1, 0], strides: [2, 3] }, [5, 4, 3, 2]),
  'Conv dilation': conv({ pads: [2, 2, 2, 2], dilations: [2, 2] }, [5, 4, 3, 3]),
  'Conv dilation and stride together': conv({ dilations: [2, 1], strides: [2, 2], pads: [1, 1, 1, 1] }, [5, 4, 3, 3]),
  'Conv groups': conv({ group: 2, pads: [1, 1, 1, 1] }, [6, 2, 3, 3]),
  'Conv depthwise': conv({ group: 4, pads: [1, 1, 1, 1], strides: [2, 2] }, [4, 1, 3, 3]),
  'Conv depthwise, two outputs a channel': conv({ group: 4, pads: [2, 2, 2, 2] }, [8, 1, 5, 5]),
  'Conv depthwise with dilation': conv({ group: 4, dilations: [2, 2], pads: [2, 2, 2, 2] }, [4, 1, 3, 3]),
  'Conv auto_pad SAME_UPPER': conv({ auto_pad: 'SAME_UPPER', strides: [2, 2] }, [5, 4, 3, 4]),
  'Conv auto_pad SAME_LOWER': conv({ auto_pad: 'SAME_LOWER', strides: [2, 2] }, [5, 4, 4, 3]),
  'Conv auto_pad VALID': conv({ auto_pad: 'VALID' }, [5, 4, 3, 3]),
  'Conv kernel larger than the map': conv({ pads: [3, 3, 3, 3] }, [5, 4, 7, 7], [1, 4, 2, 2]),
  'Conv of one channel': conv({ pads: [1, 1, 1, 1] }, [5, 1, 3, 3], [1, 1, 6, 6]),
  'MaxPool with pads': pool('MaxPool', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  'MaxPool asymmetric pads': pool('MaxPool', { kernel_shape: [3, 2], strides: [2, 2], pads: [0, 1, 1, 0] }),
  'MaxPool ceil_mode': pool('MaxPool', { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }),
  'MaxPool ceil_mode whose last window would begin in the padding': pool(
    'MaxPool',
    { kernel_shape: [2, 2], strides: [3, 3], pads: [1, 1, 1, 1], ceil_mode: 1 },
    [1, 3, 5, 5],
  ),
  'MaxPool 1x1 with stride': pool('MaxPool', { kernel_shape: [1, 1], strides: [2, 2] }),
  'MaxPool auto_pad SAME_UPPER': pool('MaxPool', { kernel_shape: [2, 2], strides: [2, 2], auto_pad: 'SAME_UPPER' }),
  AveragePool: pool('AveragePool', { kernel_shape: [3, 3], strides: [2, 2] }),
  'AveragePool pads not counted': pool('AveragePool', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  'AveragePool count_include_pad': pool('AveragePool', {
    kernel_shape: [3, 3],
    pads: [1, 0, 1, 2],
    count_include_pad: 1,
  }),
  'AveragePool ceil_mode': pool('AveragePool', { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }),
  'AveragePool ceil_mode and count_include_pad': pool('AveragePool', {
    kernel_shape: [3, 3],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    ceil_mode: 1,
    count_include_pad: 1,
  }),
  GlobalAveragePool: unary('GlobalAveragePool'),
  GlobalMaxPool: unary('GlobalMaxPool'),
  'ReduceMean over space': unary('ReduceMean', { axes: [2, 3], keepdims: 1 }, 13),
  'ReduceMean over space without dims': unary('ReduceMean', { axes: [-1, -2], keepdims: 0 }, 13),
  'ReduceMean over rows': unary('ReduceMean', { axes: [2], keepdims: 1 }, 13),
  'ReduceMean, axes as input': { ...withConstant('ReduceMean', 'x c', ints(2, 3)), opset: 18 },
  LRN: {
    input: [1, 7, 3, 3],
    nodes: [node('LRN', 'x', 'y', { size: 5, alpha: { float: 0.3 }, beta: { float: 0.75 }, bias: { float: 2 } })],
  },
  Relu: unary('Relu'),
  'Clip by attributes': unary('Clip', { min: { float: -0.5 }, max: { float: 2 } }, 10),
  'Clip by inputs': {
    input: [1, 3, 4, 5],
    initializers: { a: number(0), b: number(6) },
    nodes: [node('Clip', 'x a b', 'y')],
  },
  LeakyRelu: unary('LeakyRelu', { alpha: { float: 0.2 } }),
  'PRelu a channel': withConstant('PRelu', 'x c', floats([3, 1, 1])),
  'PRelu of one slope': withConstant('PRelu', 'x c', floats([1])),
  Sigmoid: unary('Sigmoid'),
  HardSigmoid: unary('HardSigmoid', { alpha: { float: 0.25 }, beta: { float: 0.4 } }),
  HardSwish: unary('HardSwish'),
  'Max with a number': withConstant('Max', 'x c', number(0.5)),
  'Add a number': withConstant('Add', 'x c', number(0.5)),
  'Add one a channel': withConstant('Add', 'c x', floats([1, 3, 1, 1])),
  'Sub one a channel': withConstant('Sub', 'x c', floats([3, 1, 1])),
  'Sub from a constant': withConstant('Sub', 'c x', floats([3, 1, 1])),
  'Mul one a channel': withConstant('Mul', 'x c', floats([1, 3, 1, 1])),
  Div: withConstant('Div', 'x c', positive([3, 1, 1])),
  'Sub of two maps': { input: [1, 3, 4, 5], nodes: [node('Relu', 'x', 'a'), node('Sub', 'a x', 'y')] },
  'Mul gate': { input: [1, 3, 4, 5], nodes: [node('GlobalAveragePool', 'x', 'a'), node('Mul', 'a x', 'y')] },
  Concat: { input: [1, 3, 4, 5], nodes: [node('Relu', 'x', 'a'), node('Concat', 'a x', 'y', { axis: 1 })] },
  BatchNormalization: {
    input: [1, 3, 4, 5],
    initializers: { s: floats([3]), b: floats([3], 4), m: floats([3], 5), v: positive([3]) },
    nodes: [node('BatchNormalization', 'x s b m v', 'y', { epsilon: { float: 0.01 } })],
  },
  'Pad space and channels': withConstant('Pad', 'x c', ints(0, 1, 2, 0, 0, 2, 1, 3)),
  'Pad by attributes': unary('Pad', { pads: [0, 0, 1, 1, 0, 0, 0, 2] }, 10),
  'Slice with steps': {
    input: [1, 6, 8, 9],
    initializers: { s: ints(1, 0, -8), e: ints(5, 2 ** 40, -1), a: ints(1, 2, 3), t: ints(2, 2, 3) },
    nodes: [node('Slice', 'x s e a t', 'y')],
  },
  'Gather of one channel each, put together again (torchvision transform_input)': {
    input: [1, 3, 4, 5],
    initializers: { i: { dims: [], ints: [2] }, j: { dims: [], ints: [0] }, a: ints(1), s: number(0.5) },
    nodes: [
      node('Gather', 'x i', 'g', { axis: 1 }),
      node('Unsqueeze', 'g a', 'u'),
      node('Mul', 'u s', 'm'),
      node('Gather', 'x j', 'h', { axis: 1 }),
      node('Unsqueeze', 'h a', 'v'),
      node('Concat', 'm v', 'y', { axis: 1 }),
    ],
  },
  'Gather of every second row': {
    input: [1, 3, 6, 5],
    initializers: { i: ints(1, 3, 5) },
    nodes: [node('Gather', 'x i', 'y', { axis: 2 })],
  },
  Split: { input: [1, 6, 4, 5], initializers: { s: ints(2, 4) }, nodes: [node('Split', 'x s', 'y z', { axis: 1 })] },
  'Dropout and Identity': {
    input: [1, 3, 4, 5],
    nodes: [node('Dropout', 'x', 'a'), node('Identity', 'a', 'b'), node('Relu', 'b', 'y')],
  },
  'Flatten and Gemm': {
    input: [1, 3, 4, 5],
    initializers: { w: floats([60, 7]), b: floats([7]) },
    nodes: [node('Flatten', 'x', 'a'), node('Gemm', 'a w b', 'y', { alpha: { float: 0.5 }, beta: { float: 2 } })],
  },
  'Reshape, BatchNormalization, Relu, Gemm transB': {
    input: ['batch', 3, 4, 5],
    initializers: {
      d: ints(-1, 60),
      s: floats([60]),
      b: floats([60], 4),
      m: floats([60], 5),
      v: positive([60]),
      w: floats([7, 60]),
    },
    nodes: [
      node('Reshape', 'x d', 'r'),
      node('BatchNormalization', 'r s b m v', 'n'),
      node('Relu', 'n', 'a'),
      node('Gemm', 'a w', 'y', { transB: 1 }),
    ],
  },
  'two flattened maps joined': {
    input: [1, 3, 4, 5],
    initializers: { w: floats([120, 7]) },
    nodes: [
      node('Flatten', 'x', 'a'),
      node('Relu', 'a', 'b'),
      node('Concat', 'a b', 'c', { axis: 1 }),
      node('MatMul', 'c w', 'y'),
    ],
  },
  'NHWC inside, a Transpose on either side and a MatMul of the channels': {
    input: [1, 3, 4, 5],
    initializers: { w: floats([3, 6]) },
    nodes: [
      node('Transpose', 'x', 'a', { perm: [0, 2, 3, 1] }),
      node('MatMul', 'a w', 'b'),
      node('Transpose', 'b', 'y', { perm: [0, 3, 1, 2] }),
    ],
  },
  'Transpose before Flatten (rows · columns · channels)': {
    input: [1, 3, 4, 5],
    initializers: { w: floats([60, 7]) },
    nodes: [node('Transpose', 'x', 'a', { perm: [0, 2, 3, 1] }), node('Flatten', 'a', 'b'), node('MatMul', 'b w', 'y')],
  },
  'Squeeze, Unsqueeze, Softmax': {
    input: [1, 9, 3, 3],
    initializers: { s: ints(2, 3) },
    nodes: [
      node('GlobalAveragePool', 'x', 'a'),
      node('Squeeze', 'a s', 'b'),
      node('Unsqueeze', 'b s', 'c'),
      node('Flatten', 'c', 'd'),
      node('Softmax', 'd', 'y', { axis: -1 }),
    ],
  },
  'Softmax of an old opset, over all from its axis on': {
    input: [1, 9, 1, 1],
    opset: 11,
    nodes: [node('Softmax', 'x', 'y')],
  },
  'a shape computed from Shape, Gather, Unsqueeze, Concat': {
    input: ['batch', 3, 4, 5],
    initializers: { zero: { dims: [], ints: [0] }, rest: ints(-1), axes: ints(0), w: floats([60, 4]) },
    nodes: [
      node('Shape', 'x', 'a'),
      node('Gather', 'a zero', 'b', { axis: 0 }),
      node('Unsqueeze', 'b axes', 'c'),
      node('Concat', 'c rest', 'd', { axis: 0 }),
      node('Reshape', 'x d', 'e'),
      node('MatMul', 'e w', 'y'),
    ],
  },
  'weights computed from constants': {
    input: [1, 4, 5, 5],
    initializers: { w: floats([3, 3, 4, 6]), s: positive([6]), e: number(0.5) },
    nodes: [
      node('Add', 's e', 'a'),
      node('Sqrt', 'a', 'b'),
      node('Div', 'w b', 'c'),
      node('Transpose', 'c', 'd', { perm: [3, 2, 0, 1] }),
      node('Conv', 'x d', 'y', { pads: [1, 1, 1, 1] }),
    ],
  },
  'hard-swish as Add, Clip, Mul, Div': {
    input: [1, 3, 4, 5],
    initializers: { three: number(3), zero: number(0), six: number(6) },
    nodes: [
      node('Add', 'x three', 'a'),
      node('Clip', 'a zero six', 'b'),
      node('Mul', 'x b', 'c'),
      node('Div', 'c six', 'y'),
    ],
  },
};

describe('every op gives what onnxruntime gives', () => {
  it.each(Object.entries(CASES))('%s', async (_, model) => {
    expect(await difference(model)).toBeLessThan(2e-5);
  });
});

it('reads an NHWC input, as tf2onnx writes one', async () => {
  const bytes = writeModel({
    input: ['batch', 6, 7, 3],
    initializers: { w: floats([5, 3, 3, 3]) },
    nodes: [node('Transpose', 'x', 'a', { perm: [0, 3, 1, 2] }), node('Conv', 'a w', 'y')],
  });
  await writeFile(path.join(folder, 'nhwc.onnx'), bytes);
  const graph = await openModel(path.join(folder, 'nhwc.onnx'));
  expect(graph.input.shape).toEqual([6, 7, 3]);
  const input = noise(126);
  const session = await ort.InferenceSession.create(bytes);
  const { y } = await session.run({ x: new ort.Tensor('float32', input, [1, 6, 7, 3]) });
  const interpreter = await prepareInterpreter(graph);
  const actual = (await interpreter.run(input)).get('y');
  interpreter.dispose();
  const expected = toHwc((y?.data ?? new Float32Array()) as Float32Array, y?.dims ?? []);
  expect(expected.length).toBe(100);
  for (const [i, value] of expected.entries()) expect(actual?.[i]).toBeCloseTo(value, 5);
});

it('finds hard-swish and hard-sigmoid again', async () => {
  const kinds = async (nodes: TestNode[]) => {
    const file = path.join(folder, 'swish.onnx');
    const initializers = { three: number(3), zero: number(0), six: number(6) };
    await writeFile(file, writeModel({ input: [1, 3, 4, 5], initializers, nodes }));
    const { nodes: found } = await openModel(file);
    return found.map((found) => (found.op === 'activation' ? found.activation.kind : found.op));
  };
  const clipped = [node('Add', 'x three', 'a'), node('Clip', 'a zero six', 'b')];
  expect(await kinds([...clipped, node('Mul', 'x b', 'c'), node('Div', 'c six', 'y')])).toEqual(['hard-swish']);
  expect(await kinds([...clipped, node('Div', 'b six', 'c'), node('Mul', 'c x', 'y')])).toEqual(['hard-swish']);
  expect(await kinds([...clipped, node('Div', 'b six', 'y')])).toEqual(['hard-sigmoid']);
  // Read twice, the clip has to stay.
  const twice = [...clipped, node('Mul', 'x b', 'c'), node('Div', 'c six', 'd'), node('Add', 'd b', 'y')];
  expect(await kinds(twice)).toEqual(['scale-shift', 'clip', 'mul', 'scale-shift', 'add']);
});
