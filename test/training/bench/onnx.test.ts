import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { dropSoftmax } from '../../../training/compile/fold.ts';
import type { Graph, Node } from '../../../training/graph/graph.ts';
import { prepareInterpreter } from '../../../training/graph/interpret.ts';
import { readModel } from '../../../training/import/onnx/protobuf.ts';
import { openModel } from '../../../training/import/open.ts';
import { NETWORKS } from '../../bench/networks.ts';
import { floatModel } from '../../bench/onnx/float.ts';
import { quantizedModel } from '../../bench/onnx/quantized.ts';
import { rangesOf } from '../../bench/onnx/ranges.ts';
import { floatGraphOf } from '../../bench/prepare.ts';
import { shared } from '../../fixtures/shared.ts';

/** The competitors of the bench compute what the network computes, or their speed says nothing. */

const wave = (length: number, scale = 1): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(i * 12.9898 + length) * scale);

const window = { kernel: [3, 3], strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1] } as const;
const relu = { op: 'activation', activation: { kind: 'clip', low: 0, high: Number.POSITIVE_INFINITY } } as const;
const relu6 = { op: 'activation', activation: { kind: 'clip', low: 0, high: 6 } } as const;

/** Every operator that is written: pads, groups, a shortcut, branches, normalization, ceil mode, a map as a vector. */
const nodes: Node[] = [
  { name: 'c1', inputs: ['x'], op: 'conv', ...window, groups: 1, weights: wave(9 * 3 * 8, 0.3), bias: wave(8) },
  { name: 'r1', inputs: ['c1'], ...relu },
  { name: 'dw', inputs: ['r1'], op: 'conv', ...window, groups: 8, weights: wave(9 * 8, 0.4), bias: wave(8) },
  { name: 'r2', inputs: ['dw'], ...relu6 },
  { name: 'c2', inputs: ['r2'], op: 'conv', ...window, groups: 2, weights: wave(9 * 4 * 8, 0.3), bias: null },
  { name: 'sum', inputs: ['c2', 'r1'], op: 'add' },
  { name: 'r3', inputs: ['sum'], ...relu },
  { name: 'lrn', inputs: ['r3'], op: 'lrn', size: 5, alpha: 0.1, beta: 0.75, k: 1 },
  {
    ...{ name: 'pool', inputs: ['lrn'], op: 'max-pool', kernel: [3, 3], strides: [2, 2], pads: [0, 0, 0, 0] },
    output: [6, 4],
  },
  {
    ...{ name: 'mean', inputs: ['lrn'], op: 'average-pool', kernel: [3, 3], strides: [2, 2], pads: [0, 0, 1, 1] },
    ...{ output: [6, 4], countPads: false },
  },
  { name: 'both', inputs: ['pool', 'mean'], op: 'concat' },
  { name: 'vector', inputs: ['both'], op: 'flatten' },
  { name: 'fc', inputs: ['vector'], op: 'dense', weights: wave(6 * 4 * 16 * 5, 0.1), bias: wave(5) },
];
const graph: Graph = { input: { name: 'x', shape: [12, 9, 3] }, nodes, output: 'fc' };

/** NHWC in, values of the output out. */
async function onOnnxruntime({ input }: Graph, model: Uint8Array, values: Float32Array): Promise<Float32Array> {
  const [height, width, channels] = input.shape;
  const planes = Float32Array.from(values, (_, i) => {
    const [pixel, c] = [i % (height * width), Math.floor(i / height / width)];
    return values[pixel * channels + c] ?? 0;
  });
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1 });
  const feeds = { [input.name]: new ort.Tensor('float32', planes, [1, channels, height, width]) };
  const [output] = Object.values(await session.run(feeds));
  await session.release();
  return output?.data as Float32Array;
}

async function interpreted(network: Graph, input: Float32Array): Promise<Float32Array> {
  const interpreter = await prepareInterpreter(network);
  const values = (await interpreter.run(input, (name) => name === network.output)).get(network.output);
  interpreter.dispose();
  return values ?? new Float32Array();
}

function decibels(expected: Float32Array, actual: Float32Array): number {
  expect(actual).toHaveLength(expected.length);
  const power = expected.reduce((sum, value) => sum + value ** 2, 0);
  return 10 * Math.log10(power / expected.reduce((sum, value, i) => sum + (value - (actual[i] ?? 0)) ** 2, 1e-20));
}

/** Which operators onnxruntime makes of a model, in the order in which it runs them. */
async function operatorsAfter(model: Uint8Array): Promise<string> {
  const file = path.join(await mkdtemp(path.join(os.tmpdir(), 'bench-')), 'optimized.onnx');
  const source = file.replace('optimized', 'source');
  await writeFile(source, model);
  const session = await ort.InferenceSession.create(source, {
    optimizedModelFilePath: file,
    graphOptimizationLevel: 'extended',
  });
  await session.release();
  return readModel(await readFile(file))
    .graph.nodes.map(({ op }) => op)
    .join(' ');
}

describe('networks as ONNX', () => {
  const input = wave(12 * 9 * 3, 2);

  it('compute in float32 what the interpreter computes', async () => {
    expect(
      decibels(await interpreted(graph, input), await onOnnxruntime(graph, floatModel(graph), input)),
    ).toBeGreaterThan(100);
  });

  it('compute about the same in 8 bits', async () => {
    const model = quantizedModel(graph, await rangesOf(graph, [input]));
    const noise = decibels(await interpreted(graph, input), await onOnnxruntime(graph, model, input));
    expect(noise).toBeGreaterThan(25);
    expect(noise).toBeLessThan(90);
  });

  it('run on integer kernels throughout in 8 bits', async () => {
    const plain: Graph = { ...graph, nodes: nodes.filter(({ name }) => !/lrn|mean|both/.test(name)).map(withoutLrn) };
    const operators = await operatorsAfter(quantizedModel(plain, await rangesOf(plain, [input])));
    expect(operators).toBe(
      'QuantizeLinear QLinearConv QLinearConv QLinearConv QLinearAdd MaxPool Flatten QGemm DequantizeLinear',
    );
  });
});

function withoutLrn(node: Node): Node {
  const inputs = node.inputs.map((name) => (name === 'lrn' ? 'r3' : name === 'both' ? 'pool' : name));
  return node.name === 'fc' && node.op === 'dense'
    ? { ...node, inputs, weights: node.weights.slice(0, 6 * 4 * 8 * 5) }
    : ({ ...node, inputs } as Node);
}

const mobilenet = shared('weights/mobilenet-v2-imagenet/inputs.u8');
describe.skipIf(!mobilenet)('MobileNet v2 (needs FIXTURES_DIR with weights/mobilenet-v2-imagenet)', () => {
  it('is the same network in the forms of the bench', async () => {
    const made = NETWORKS['mobilenet-v2']?.();
    if (!made || typeof made.source !== 'string') throw new Error('no such network');
    const original = await openModel(made.source);
    const folded = await floatGraphOf(made);
    const input = wave(224 * 224 * 3);
    const expected = await interpreted(dropSoftmax(original).graph, input);
    expect(decibels(expected, await onOnnxruntime(folded, floatModel(folded), input))).toBeGreaterThan(80);
    const model = quantizedModel(folded, await rangesOf(folded, [input]));
    expect(decibels(expected, await onOnnxruntime(folded, model, input))).toBeGreaterThan(10);
  });
});
