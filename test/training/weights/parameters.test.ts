import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import h5wasm from 'h5wasm/node';
import * as ort from 'onnxruntime-node';
import { PbfWriter } from 'pbf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Network, network } from '../../../training/architectures/network.ts';
import { prepareInterpreter } from '../../../training/graph/interpret.ts';
import { networkWithWeights } from '../../../training/weights/parameters.ts';
import { readWeightsFile } from '../../../training/weights/weights-file.ts';
import { writeModel } from '../import/onnx-writer.ts';

/** Weights alone, put into an architecture, against onnxruntime on the same numbers. */

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'parameters-'));
});
afterAll(() => rm(folder, { recursive: true }));

const about = { title: 'Small', paper: 'none', input: { name: 'data', shape: [5, 5, 4], deviation: 1 } } as const;
/** Two groups, and a dense layer that reads a flattened 3x3 map: where the order of numbers matters. */
const small = network({ ...about, name: 'small' }, (net, input) => {
  const conv = net.activation('relu1', net.conv('conv1', input, 6, 3, { groups: 2 }), 'relu');
  net.dense('fc8', net.dropout('drop', net.dense('fc6', net.flatten('flatten', conv), 7), 0.5), 3);
});
const normed = network({ ...about, name: 'normed' }, (net, input) => {
  const conv = net.batchNorm('bn1', net.conv('conv1', input, 6, 3), 1e-3);
  net.dense('predictions', net.globalAveragePool('pool', conv), 3);
});

interface Arrays {
  readonly [layer: string]: readonly (readonly [shape: readonly number[], seed: number])[];
}
const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const noise = (count: number, seed: number) =>
  Float32Array.from({ length: count }, (_, at) => Math.sin(1 + at * 12.9898 + seed * 78.233) / 2);
const SMALL: Arrays = {
  conv1: [
    [[6, 2, 3, 3], 1],
    [[6], 2],
  ],
  fc6: [
    [[7, 54], 3],
    [[7], 4],
  ],
  fc8: [
    [[3, 7], 5],
    [[3], 6],
  ],
};

/** A .caffemodel; `old`: as Caffe wrote it until 2014, with field numbers and four sizes of that time. */
async function caffemodel(layers: Arrays, old: boolean): Promise<string> {
  const pbf = new PbfWriter();
  pbf.writeStringField(1, 'net');
  for (const [name, blobs] of Object.entries(layers))
    pbf.writeMessage(
      old ? 2 : 100,
      (_, layer) => {
        layer.writeStringField(old ? 4 : 1, name);
        for (const [shape, seed] of blobs)
          layer.writeMessage(
            old ? 6 : 7,
            (__, blob) => {
              const four = [1, 1, 1, 1].slice(shape.length).concat(shape);
              if (old) for (const [axis, length] of four.entries()) blob.writeVarintField(axis + 1, length);
              else blob.writeMessage(7, (___, dims) => dims.writePackedVarint(1, [...shape]), null);
              blob.writeBytesField(5, new Uint8Array(noise(size(shape), seed).buffer));
            },
            null,
          );
      },
      null,
    );
  const file = path.join(folder, `${old ? 'old' : 'new'}.caffemodel`);
  await writeFile(file, pbf.finish());
  return file;
}

/** What `save_weights` writes; the arrays' own names are those of 2016. */
async function keras(name: string, layers: Arrays): Promise<string> {
  await h5wasm.ready;
  const file = path.join(folder, `${name}.h5`);
  const h5 = new h5wasm.File(file, 'w');
  h5.create_attribute('layer_names', ['input_1', ...Object.keys(layers)]);
  h5.create_group('input_1');
  for (const [layer, arrays] of Object.entries(layers)) {
    const group = h5.create_group(layer);
    const names = arrays.map((_, index) => `${layer}_${index}_1:0`);
    group.create_attribute('weight_names', names);
    for (const [index, [shape, seed]] of arrays.entries())
      group.create_dataset({
        name: names[index] ?? '',
        data: noise(size(shape), seed),
        shape: [...shape],
        dtype: '<f4',
      });
  }
  h5.close();
  return file;
}

async function load(into: Network, file: string) {
  const weights = await readWeightsFile(file);
  if (!weights) throw new Error('a whole model');
  return networkWithWeights(into, weights);
}

async function outputOf(into: Network, file: string): Promise<number[]> {
  const graph = await load(into, file);
  const interpreter = await prepareInterpreter(graph);
  const values = await interpreter.run(noise(100, 9));
  return [...(values.get(graph.output) ?? [])];
}

/** NHWC `[5, 5, 4]` → NCHW. */
const planar = (values: Float32Array) =>
  Float32Array.from({ length: 100 }, (_, at) => values[(at % 25) * 4 + Math.floor(at / 25)] ?? 0);

async function onnxruntime(nodes: Parameters<typeof writeModel>[0]['nodes'], layers: Arrays): Promise<number[]> {
  const initializers = Object.fromEntries(
    Object.entries(layers).flatMap(([layer, arrays]) =>
      arrays.map(([dims, seed], index) => [`${layer}/${index}`, { dims, floats: noise(size(dims), seed) }]),
    ),
  );
  const session = await ort.InferenceSession.create(writeModel({ nodes, initializers, input: [1, 4, 5, 5] }));
  const { y } = await session.run({ x: new ort.Tensor('float32', planar(noise(100, 9)), [1, 4, 5, 5]) });
  return [...((y?.data ?? []) as Float32Array)];
}

describe('Caffe', () => {
  it.each([false, true])('groups, kernels and what follows a flattened map (fields of 2014: %s)', async (old) => {
    const gemm = { transB: 1 };
    const expected = await onnxruntime(
      [
        { op: 'Conv', inputs: ['x', 'conv1/0', 'conv1/1'], outputs: ['c'], attributes: { group: 2 } },
        { op: 'Relu', inputs: ['c'], outputs: ['r'] },
        { op: 'Flatten', inputs: ['r'], outputs: ['f'] },
        { op: 'Gemm', inputs: ['f', 'fc6/0', 'fc6/1'], outputs: ['d'], attributes: gemm },
        { op: 'Gemm', inputs: ['d', 'fc8/0', 'fc8/1'], outputs: ['y'], attributes: gemm },
      ],
      SMALL,
    );
    const found = await outputOf(small, await caffemodel(SMALL, old));
    expect(found).toHaveLength(3);
    for (const [index, value] of found.entries()) expect(value).toBeCloseTo(expected[index] ?? Number.NaN, 4);
  });

  it('names the layer, and both shapes, of a file of another network', async () => {
    const { fc6: _, ...rest } = SMALL;
    const wider = { ...SMALL, fc8: [[[10, 7], 5] as const, [[10], 6] as const] };
    await expect(load(small, await caffemodel(wider, true))).rejects.toThrow(
      /holds weights of another network than small: the kernel of "fc8" is \[10, 7\] there, and \[3, 7\] here/,
    );
    await expect(load(small, await caffemodel({ conv1: SMALL.conv1 ?? [] }, false))).rejects.toThrow(
      /it has nothing for "fc6" and 1 more/,
    );
    await expect(load(small, await caffemodel({ ...SMALL, fc9: [[[2], 1]] }, false))).rejects.toThrow(
      /it has a layer "fc9" that the network has not/,
    );
    await expect(load(small, await caffemodel({ ...rest, fc6: [[[7, 54], 3]] }, false))).rejects.toThrow(
      /"fc6" has 1 arrays there, and 2 here/,
    );
  });

  it('refuses a truncated file', async () => {
    const file = await caffemodel(SMALL, false);
    await writeFile(file, (await readFile(file)).subarray(0, -9));
    await expect(load(small, file)).rejects.toThrow(/is no whole \.caffemodel/);
  });
});

describe('Keras', () => {
  const layers: Arrays = {
    conv1: [
      [[3, 3, 4, 6], 1],
      [[6], 2],
    ],
    bn1: [
      [[6], 3],
      [[6], 4],
      [[6], 5],
      [[6], 11],
    ],
    probs: [
      [[6, 3], 6],
      [[3], 7],
    ],
  };

  it('finds arrays by their order and the last layer by another name', async () => {
    const graph = await load(normed, await keras('renamed', layers));
    const [conv, norm, , dense] = graph.nodes;
    expect(conv).toMatchObject({ op: 'conv', weights: noise(216, 1), bias: noise(6, 2) });
    expect(dense).toMatchObject({ op: 'dense', weights: noise(18, 6), bias: noise(3, 7) });
    const [gamma = 0, beta = 0, mean = 0, variance = 0] = [3, 4, 5, 11].map((seed) => noise(6, seed)[2]);
    const scale = gamma / Math.sqrt(variance + 1e-3);
    if (norm?.op !== 'scale-shift') throw new Error('no batch norm');
    expect(norm.scale[2]).toBeCloseTo(scale, 4);
    expect(norm.shift[2]).toBeCloseTo(beta - mean * scale, 4);
  });

  it('names the layer, and both shapes, of a file of another network', async () => {
    const file = await keras('wider', { ...layers, conv1: [[[5, 5, 4, 6], 1] as const, [[6], 2] as const] });
    await expect(load(normed, file)).rejects.toThrow(
      /kernel of "conv1" is \[5, 5, 4, 6\] there, and \[3, 3, 4, 6\] here/,
    );
  });

  it('leaves a whole model to the importer, and refuses what is no HDF5', async () => {
    await h5wasm.ready;
    const whole = path.join(folder, 'whole.h5');
    const h5 = new h5wasm.File(whole, 'w');
    h5.create_attribute('model_config', '{}');
    h5.close();
    expect(await readWeightsFile(whole)).toBeNull();
    const text = path.join(folder, 'text.h5');
    await writeFile(text, '<html>not found</html>');
    await expect(readWeightsFile(text)).rejects.toThrow(/is no whole HDF5 file/);
  });
});
