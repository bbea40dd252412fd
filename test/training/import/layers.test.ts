import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GraphError } from '../../../training/graph/graph.ts';
import { prepareInterpreter } from '../../../training/graph/interpret.ts';
import { openModel } from '../../../training/import/open.ts';

/** Layers one by one: built, saved and run by TF.js on its plain CPU backend, imported and run in float here. */

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'layers-'));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  await tf.setBackend('cpu');
});

const { layers: L } = layers;
const INPUT = [9, 11, 4];
type Symbol = layers.SymbolicTensor;
const functional = (build: (x: Symbol) => Symbol, shape = INPUT) => {
  const x = layers.input({ shape });
  return layers.model({ inputs: x, outputs: build(x) });
};
const one = (layer: layers.layers.Layer, shape = INPUT) => functional((x) => layer.apply(x) as Symbol, shape);
const apply = (layer: layers.layers.Layer, ...inputs: Symbol[]) =>
  layer.apply(inputs.length === 1 && inputs[0] ? inputs[0] : inputs) as Symbol;

async function save(model: layers.LayersModel): Promise<string> {
  const file = path.join(folder, 'model.json');
  await model.save({
    async save({ modelTopology, weightSpecs, weightData }) {
      const buffers = [weightData ?? []].flat();
      await writeFile(path.join(folder, 'weights.bin'), Buffer.concat(buffers.map((part) => Buffer.from(part))));
      await writeFile(
        file,
        JSON.stringify({ modelTopology, weightsManifest: [{ paths: ['weights.bin'], weights: weightSpecs }] }),
      );
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    },
  });
  return file;
}

/** Weights as after training: nothing is 0 or 1 as initializers leave it; variances stay positive. */
function shake(model: layers.LayersModel): void {
  const values = model.weights.map(({ shape, name }, i) => {
    const noise = tf.randomUniform(
      shape.map((size) => size ?? 1),
      -1,
      1,
      'float32',
      i + 1,
    );
    return /variance/.test(name) ? tf.add(tf.abs(noise), 0.1) : noise;
  });
  model.setWeights(values);
}

async function difference(model: layers.LayersModel): Promise<number> {
  shake(model);
  const shape = (model.inputs[0]?.shape ?? []).slice(1).map((size) => size ?? 1);
  const input = tf.randomUniform([1, ...shape], -3, 3, 'float32', 99);
  const expected = (model.predict(input) as tf.Tensor).dataSync<'float32'>().slice();
  const values = input.dataSync<'float32'>().slice();
  const graph = await openModel(await save(model));
  const interpreter = await prepareInterpreter(graph);
  const actual = (await interpreter.run(values, (name) => name === graph.output)).get(graph.output);
  interpreter.dispose();
  expect(actual?.length).toBe(expected.length);
  expect(expected.some((value) => Math.abs(value) > 1e-3)).toBe(true);
  return expected.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (actual?.[i] ?? Number.NaN))), 0);
}

const CASES: Record<string, () => layers.LayersModel> = {
  'Conv2D valid, with an activation': () => one(L.conv2d({ filters: 5, kernelSize: 3, activation: 'relu' })),
  'Conv2D same with strides': () => one(L.conv2d({ filters: 5, kernelSize: [3, 4], strides: [2, 3], padding: 'same' })),
  'Conv2D dilated, no bias': () =>
    one(L.conv2d({ filters: 5, kernelSize: 3, dilationRate: 2, padding: 'same', useBias: false })),
  'DepthwiseConv2D of two outputs a channel': () =>
    one(L.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, strides: [2, 2], padding: 'same' })),
  SeparableConv2D: () => one(L.separableConv2d({ filters: 6, kernelSize: 3, padding: 'same', activation: 'sigmoid' })),
  'BatchNormalization without scale': () => one(L.batchNormalization({ scale: false, epsilon: 0.01 })),
  ReLU: () => one(L.reLU({ maxValue: 2 })),
  LeakyReLU: () => one(L.leakyReLU({ alpha: 0.2 })),
  'PReLU, a slope a channel': () => one(L.prelu({ sharedAxes: [1, 2] })),
  'Activation hard_sigmoid, of Keras 2': () => one(L.activation({ activation: 'hardSigmoid' })),
  'Activation swish': () => one(L.activation({ activation: 'swish' as 'relu' })),
  'MaxPooling2D same': () => one(L.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' })),
  'AveragePooling2D same': () => one(L.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same' })),
  GlobalMaxPooling2D: () => one(L.globalMaxPooling2d({})),
  ZeroPadding2D: () =>
    one(
      L.zeroPadding2d({
        padding: [
          [0, 1],
          [2, 3],
        ],
      }),
    ),
  Cropping2D: () =>
    one(
      L.cropping2D({
        cropping: [
          [1, 2],
          [3, 0],
        ],
      }),
    ),
  'Dense over the channels of a map': () => one(L.dense({ units: 6, activation: 'relu' })),
  'Flatten, BatchNormalization, Dense, softmax': () =>
    functional((x) =>
      apply(L.dense({ units: 7, activation: 'softmax' }), apply(L.batchNormalization(), apply(L.flatten(), x))),
    ),
  'Add of three, Multiply, Average': () =>
    functional((x) => {
      const [a, b] = [
        apply(L.conv2d({ filters: 4, kernelSize: 1 }), x),
        apply(L.activation({ activation: 'relu' }), x),
      ];
      return apply(L.average(), apply(L.multiply(), apply(L.add(), a, b, x), b), x);
    }),
  'squeeze and excitation, the gate first': () =>
    functional((x) => {
      const pooled = apply(L.reshape({ targetShape: [1, 1, 4] }), apply(L.globalAveragePooling2d({}), x));
      return apply(L.multiply(), apply(L.conv2d({ filters: 4, kernelSize: 1, activation: 'sigmoid' }), pooled), x);
    }),
  'Concatenate of maps': () => functional((x) => apply(L.concatenate(), x, apply(L.reLU(), x))),
  'Concatenate of flattened maps': () =>
    functional((x) =>
      apply(
        L.dense({ units: 3 }),
        apply(L.concatenate(), apply(L.flatten(), x), apply(L.flatten(), apply(L.reLU(), x))),
      ),
    ),
  'one layer used twice': () =>
    functional((x) => {
      const shared = L.conv2d({ filters: 4, kernelSize: 3, padding: 'same' });
      return apply(shared, apply(L.reLU(), apply(shared, x)));
    }),
  'a grey picture without its channel': () =>
    functional((x) => apply(L.dense({ units: 5 }), apply(L.flatten(), x)), [7, 6]),
  'a picture as a vector': () => functional((x) => apply(L.dense({ units: 5 }), x), [49]),
  'a Sequential in a Sequential in a Functional model': () => {
    const inner = layers.sequential({ layers: [L.conv2d({ filters: 3, kernelSize: 3, inputShape: INPUT }), L.reLU()] });
    const outer = layers.sequential({
      layers: [inner, L.conv2d({ filters: 5, kernelSize: 3 }), L.dropout({ rate: 0.5 })],
    });
    return functional((x) => apply(L.globalAveragePooling2d({}), apply(outer, apply(L.batchNormalization(), x))));
  },
};

describe('every layer gives what TF.js gives', () => {
  it.each(Object.entries(CASES))('%s', async (_, build) => {
    expect(await difference(build())).toBeLessThan(2e-5);
  });
});

it.each<[string, () => layers.LayersModel, RegExp]>([
  [
    'an activation that no engine has',
    () => one(L.activation({ activation: 'elu' })),
    /has the activation "elu", which no engine here has/,
  ],
  [
    'channels_first',
    () => one(L.conv2d({ filters: 2, kernelSize: 3, dataFormat: 'channelsFirst' })),
    /channels_first; save the model with channels_last/,
  ],
  ['slopes that differ over space', () => one(L.prelu()), /differ over space/],
  ['a layer that is not supported', () => one(L.upSampling2d({})), /\(UpSampling2D\) is a layer that is not supported/],
  [
    'two inputs',
    () => {
      const inputs = [layers.input({ shape: INPUT }), layers.input({ shape: INPUT })];
      return layers.model({ inputs, outputs: L.add().apply(inputs) as Symbol });
    },
    /2 inputs and 1 outputs; one of each is read/,
  ],
])('refuses %s', async (_, build, message) => {
  const file = await save(build());
  await expect(openModel(file)).rejects.toThrow(GraphError);
  await expect(openModel(file)).rejects.toThrow(message);
});
