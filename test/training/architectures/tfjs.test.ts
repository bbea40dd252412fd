import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import type { Network } from '../../../training/architectures/network.ts';
import { summaryRows } from '../../../training/architectures/network.ts';
import { ARCHITECTURES, NETWORKS } from '../../../training/architectures/table.ts';
import { toTfjs } from '../../../training/architectures/to-tfjs.ts';
import { checkGraph } from '../../../training/graph/check.ts';
import { prepareInterpreter } from '../../../training/graph/interpret.ts';
import { randomNumbers } from '../../../training/train/random.ts';
import { toy } from './toy.ts';

/** The two forms of a network are made apart from one list: TF.js' own layers, and the graph's operations. */

function pixels({ input: { shape, deviation } }: Network): Float32Array {
  const random = randomNumbers(5);
  return Float32Array.from({ length: shape[0] * shape[1] * shape[2] }, () => (random() - 0.5) * 3.46 * deviation);
}

function predict(model: LayersModel, input: Float32Array, { input: { shape } }: Network): Float32Array {
  return tf.tidy(() => {
    const scores = model.predict(tf.tensor4d(input, [1, ...shape])) as tf.Tensor;
    return scores.dataSync<'float32'>().slice();
  });
}

const NAMES = ['lenet5', 'googlenet', 'resnet50', 'seresnet50', ...ARCHITECTURES.keys()];
const CASES = [toy, ...[...new Set(NAMES)].flatMap((name) => NETWORKS.get(name) ?? [])].map(
  (network) => [network.name, network] as const,
);

describe('TF.js model and float graph agree', () => {
  it('in every kind of layer', () => {
    const kinds = (networks: Iterable<Network>) =>
      new Set([...networks].flatMap(({ layers }) => layers.map(({ kind }) => kind)));
    expect([...kinds([toy])].sort()).toEqual([...kinds(NETWORKS.values())].sort());
  });

  it.each(CASES)('%s', async (_, network) => {
    const graph = network.build(3);
    const shapes = checkGraph(graph);
    for (const layer of network.layers)
      if (shapes.has(layer.name)) expect(shapes.get(layer.name)).toEqual(layer.output);
    const interpreter = await prepareInterpreter(graph);
    const input = pixels(network);
    const expected = (await interpreter.run(input, (name) => name === graph.output)).get(graph.output);
    interpreter.dispose();

    const model = toTfjs(network, network.random(3));
    const actual = predict(model, input, network);
    const counts = (weights: LayersModel['weights']) =>
      weights.reduce((sum, { shape }) => sum + tf.util.sizeFromShape(shape as number[]), 0);
    const rows = summaryRows(network);
    expect(counts(model.trainableWeights)).toBe(rows.reduce((sum, row) => sum + row.trainable, 0));
    expect(counts(model.nonTrainableWeights)).toBe(rows.reduce((sum, row) => sum + row.fixed, 0));
    model.dispose();

    if (!expected) throw new Error('no output');
    const largest = Math.max(...expected.map(Math.abs));
    const worst = Math.max(...expected.map((value, i) => Math.abs(value - (actual[i] ?? Number.NaN)))) / largest;
    console.log(`${network.name}: largest difference ${worst.toExponential(1)} of the largest output`);
    expect(actual.length).toBe(expected.length);
    expect(worst).toBeLessThan(1e-4);
  });

  it('after it was saved and loaded, grouped convolutions and LRN included', async () => {
    const model = toTfjs(toy, toy.random(3));
    const input = pixels(toy);
    const before = predict(model, input, toy);
    let saved: tf.io.ModelArtifacts | undefined;
    await model.save(
      tf.io.withSaveHandler(async (artifacts) => {
        saved = artifacts;
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
      }),
    );
    model.dispose();
    if (!saved) throw new Error('nothing was saved');
    const topology = JSON.parse(JSON.stringify(saved.modelTopology));
    const loaded = await loadLayersModel(tf.io.fromMemory({ ...saved, modelTopology: topology }));
    expect(predict(loaded, input, toy)).toEqual(before);
    loaded.dispose();
  });
});
