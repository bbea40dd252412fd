import * as tf from '@tensorflow/tfjs-core';
import { type Parameter, parametersOf } from '../../architectures/layer.ts';
import { type Network, trainedLayers } from '../../architectures/network.ts';
import type { Batch, BatchGradients, GradientEngine, NamedArrays } from '../gradient-engine.ts';
import { forward, type ReadParameter, type TrainingPass } from './forward.ts';
import type { Save } from './save.ts';

const NOTHING = new Float32Array();

/** What an engine needs to know of a network. */
type Layers = Pick<Network, 'input' | 'layers' | 'auxiliaries'>;

/** Forward and backward by TF.js, on the backend that was started (`backend.ts`). */
export class TfjsEngine implements GradientEngine {
  readonly title: string;
  readonly #network: Layers;
  readonly #parameters: ReadonlyMap<string, Parameter>;

  constructor(network: Layers, backend: string) {
    this.title = `TF.js, ${backend}`;
    this.#network = network;
    this.#parameters = new Map(
      trainedLayers(network).flatMap((layer) =>
        parametersOf(layer).map((parameter) => [`${layer.name}/${parameter.name}`, parameter] as const),
      ),
    );
  }

  async gradients(parameters: NamedArrays, batch: Batch, seed: number): Promise<BatchGradients> {
    const { layers, auxiliaries } = this.#network;
    const training: TrainingPass = { seed, statistics: new Map() };
    const names = [...this.#parameters].filter(([, { trainable }]) => trainable).map(([name]) => name);
    const tensors = this.#tensors(parameters, names);
    const [pixels, targets] = [this.#input(batch.pixels, batch.count), this.#targets(batch)];
    let logits: tf.Tensor | undefined;
    let loss: tf.Scalar | undefined;
    const { value, grads } = tf.valueAndGrads((...trained: tf.Tensor[]) => {
      const read = reader(names, trained);
      const values = new Map([[this.#network.input.name, pixels as tf.Tensor]]);
      const output = forward(layers, values, read, training);
      const own = crossEntropy(targets, output);
      [logits, loss] = [tf.keep(output), tf.keep(own)];
      return auxiliaries.reduce(
        (sum, { layers, weight }) => {
          const other = crossEntropy(targets, forward(layers, values, read, training));
          return tf.add(sum, tf.mul(other, weight));
        },
        tf.add(own, 0),
      );
    })(tensors);
    const result = {
      loss: (await loss?.data<'float32'>())?.[0] ?? Number.NaN,
      hits: hitsOf((await logits?.data<'float32'>()) ?? NOTHING, batch),
      gradients: await download(names.map((name, at) => [name, grads[at]])),
      statistics: await download(training.statistics),
    };
    tf.dispose([value, loss, logits, pixels, targets, grads, tensors, ...training.statistics.values()]);
    return result;
  }

  async scores(parameters: NamedArrays, pixels: Float32Array, count: number): Promise<Float32Array> {
    const names = [...this.#parameters.keys()].filter((name) => parameters.has(name));
    const tensors = this.#tensors(parameters, names);
    const input = this.#input(pixels, count);
    const scores = tf.tidy(() => {
      const values = new Map([[this.#network.input.name, input as tf.Tensor]]);
      return tf.softmax(forward(this.#network.layers, values, reader(names, tensors), null));
    });
    const numbers = await scores.data<'float32'>();
    tf.dispose([scores, input, ...tensors]);
    return numbers;
  }

  async dispose(): Promise<void> {}

  #tensors(parameters: NamedArrays, names: readonly string[]): tf.Tensor[] {
    return names.map((name) => {
      const [values, parameter] = [parameters.get(name), this.#parameters.get(name)];
      if (!values || !parameter) throw new Error(`The network has no parameter ${name}`);
      return tf.tensor(values, [...parameter.shape]);
    });
  }

  #input(pixels: Float32Array, count: number): tf.Tensor4D {
    return tf.tensor4d(pixels, [count, ...this.#network.input.shape]);
  }

  #targets({ targets, count }: Batch): tf.Tensor2D {
    return tf.tensor2d(targets, [count, targets.length / count]);
  }
}

function reader(names: readonly string[], tensors: readonly tf.Tensor[]): ReadParameter {
  const byName = new Map(names.map((name, at) => [name, tensors[at]]));
  return (name) => {
    const tensor = byName.get(name);
    if (!tensor) throw new Error(`The network has no parameter ${name}`);
    return tensor;
  };
}

/** Mean over the rows of −Σ target · log(softmax(logits)); its gradient is (softmax − target) / rows. */
function crossEntropy(targets: tf.Tensor2D, logits: tf.Tensor): tf.Scalar {
  const op = tf.customGrad((...args) => {
    const [input, save] = args as unknown as [tf.Tensor2D, Save];
    const rows = input.shape[0];
    const shifted = tf.sub(input, tf.max(input, 1, true));
    const logSoftmax = tf.sub(shifted, tf.log(tf.sum(tf.exp(shifted), 1, true)));
    save([tf.sub(tf.exp(logSoftmax), targets)]);
    return {
      value: tf.div(tf.neg(tf.sum(tf.mul(targets, logSoftmax))), rows),
      gradFunc: (dy, saved) => tf.mul(tf.div((saved as tf.Tensor[])[0] ?? dy, rows), dy),
    };
  });
  return op(logits) as tf.Scalar;
}

function hitsOf(scores: Float32Array, { targets, count }: Batch): number {
  const classes = targets.length / count;
  let hits = 0;
  for (let row = 0; row < count; row++) {
    const from = row * classes;
    if (highest(scores, from, classes) === highest(targets, from, classes)) hits += 1;
  }
  return hits;
}

function highest(values: Float32Array, from: number, count: number): number {
  let best = from;
  for (let at = from + 1; at < from + count; at++) if ((values[at] ?? 0) > (values[best] ?? 0)) best = at;
  return best - from;
}

async function download(tensors: Iterable<readonly [string, tf.Tensor | undefined]>): Promise<NamedArrays> {
  const arrays = new Map<string, Float32Array>();
  for (const [name, tensor] of tensors) if (tensor) arrays.set(name, await tensor.data<'float32'>());
  return arrays;
}
