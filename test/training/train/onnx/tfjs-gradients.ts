import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { parametersOf } from '../../../../training/architectures/layer.ts';
import type { Network } from '../../../../training/architectures/network.ts';
import { toTfjs } from '../../../../training/architectures/to-tfjs.ts';
import type { Batch, NamedArrays } from '../../../../training/train/gradient-engine.ts';

export interface Expected {
  readonly loss: number;
  readonly gradients: NamedArrays;
  readonly statistics: NamedArrays;
  readonly scores: Float32Array;
}

/** By TF.js' own layers and its automatic differentiation, on its plain CPU backend. The output has to be a softmax. */
export async function tfjsGradients(network: Network, parameters: NamedArrays, batch: Batch): Promise<Expected> {
  await tf.setBackend('cpu');
  const model = toTfjs(network, (layer, { name }) => {
    const values = parameters.get(`${layer.name}/${name}`);
    if (!values) throw new Error(`no ${layer.name}/${name}`);
    return values;
  });
  const pixels = tf.tensor(batch.pixels, [batch.count, ...network.input.shape]);
  const targets = tf.tensor(batch.targets, [batch.count, batch.targets.length / batch.count]);
  const scores = (model.predict(pixels) as tf.Tensor).dataSync<'float32'>().slice();
  const names = new Map<string, string>();
  const before = weights(network, model, names);
  const { value, grads } = tf.variableGrads(() =>
    tf.neg(tf.mean(tf.sum(tf.mul(targets, tf.log(model.apply(pixels, { training: true }) as tf.Tensor)), 1))),
  );
  const after = weights(network, model, names);
  const moving = network.layers.flatMap((layer) =>
    layer.kind === 'batch-norm' ? [`${layer.name}/moving_mean`, `${layer.name}/moving_variance`] : [],
  );
  // moving · 0.99 + batch · 0.01, Keras' default
  const statistics = moving.map((name): [string, Float32Array] => {
    const [old = [], fresh = []] = [before.get(name), after.get(name)];
    return [name, Float32Array.from(old, (was, at) => ((fresh[at] ?? 0) - 0.99 * was) / 0.01)];
  });
  const gradients = Object.entries(grads).map(([variable, gradient]): [string, Float32Array] => [
    names.get(variable) ?? variable,
    gradient.dataSync<'float32'>().slice(),
  ]);
  return {
    loss: value.dataSync()[0] ?? Number.NaN,
    gradients: new Map(gradients),
    statistics: new Map(statistics),
    scores,
  };
}

/** @param names filled: of variables → of parameters */
function weights(network: Network, model: LayersModel, names: Map<string, string>): Map<string, Float32Array> {
  const found = new Map<string, Float32Array>();
  for (const layer of network.layers) {
    for (const [at, { name }] of parametersOf(layer).entries()) {
      const variable = model.getLayer(layer.name).weights[at];
      if (!variable) continue;
      names.set(variable.name, `${layer.name}/${name}`);
      found.set(`${layer.name}/${name}`, variable.read().dataSync<'float32'>().slice());
    }
  }
  return found;
}
