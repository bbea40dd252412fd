import type { Graph, Shape } from '../graph/graph.ts';
import type { SummaryRow } from '../graph/summary.ts';
import { type Auxiliary, NetworkBuilder } from './builder.ts';
import { type Layer, type ParameterSource, parametersOf, sizeOf } from './layer.ts';
import { randomParameters } from './random-parameters.ts';
import { toGraph } from './to-graph.ts';

/** A network: one list of layers, and what follows from it. */
export interface Network {
  readonly name: string;
  readonly title: string;
  /** Where it was published, and whose version this is. */
  readonly paper: string;
  readonly input: {
    readonly name: string;
    readonly shape: Shape;
    /** Standard deviation of what it is fed with, about: 1 where pixels are normalized, 64 where they are not. */
    readonly deviation: number;
  };
  /** In an order in which each comes after what it reads; the last one gives logits or scores. */
  readonly layers: readonly Layer[];
  /** What only training computes. */
  readonly auxiliaries: readonly Auxiliary[];
  /** Random numbers for them that follow from `seed`. */
  random(seed: number): ParameterSource;
  /** The float graph with those. */
  build(seed: number): Graph;
}

/** @param list adds the layers and their order; its result is not needed, as the last layer is the output. */
export function network(
  about: Pick<Network, 'name' | 'title' | 'paper' | 'input'>,
  list: (builder: NetworkBuilder, input: string) => void,
): Network {
  const builder = new NetworkBuilder(about.input);
  list(builder, about.input.name);
  const { layers, auxiliaries } = builder;
  const name = layers.find((layer) => parametersOf(layer).length > 0)?.name ?? '';
  const random = (seed: number) => randomParameters(seed, { name, deviation: about.input.deviation });
  return { ...about, layers, auxiliaries, random, build: (seed) => toGraph(about.input, layers, random(seed)) };
}

/** The float graph with ones for all numbers but kernels, whose zeros take no memory until they are looked at. */
export function unfilled({ input, layers }: Network): Graph {
  return toGraph(input, layers, (_, { name, shape }) => {
    const values = new Float32Array(sizeOf(shape));
    return name === 'kernel' ? values : values.fill(1);
  });
}

/** All that training computes. */
export function trainedLayers({ layers, auxiliaries }: Pick<Network, 'layers' | 'auxiliaries'>): readonly Layer[] {
  return [...layers, ...auxiliaries.flatMap((auxiliary) => auxiliary.layers)];
}

/** Multiplications of one image's way through the convolutions and dense layers, those by padding included. */
export function multiplyAdds({ layers }: Network): number {
  return layers.reduce((sum, layer) => {
    const kernel = parametersOf(layer).find(({ name }) => name === 'kernel');
    return kernel ? sum + sizeOf(kernel.shape) * layer.output[0] * layer.output[1] : sum;
  }, 0);
}

/** Rows of the network's summary, the input's first. */
export function summaryRows({ input, layers }: Network): SummaryRow[] {
  return [
    { name: input.name, type: 'InputLayer', shape: input.shape, trainable: 0, fixed: 0, inputs: [] },
    ...layers.map((layer) => ({
      name: layer.name,
      type: classOf(layer),
      shape: layer.vector ? layer.output.slice(2) : layer.output,
      trainable: count(layer, true),
      fixed: count(layer, false),
      inputs: layer.inputs,
    })),
  ];
}

function count(layer: Layer, trainable: boolean): number {
  return parametersOf(layer)
    .filter((parameter) => parameter.trainable === trainable)
    .reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/** Keras' class of a layer, where it has one. */
function classOf(layer: Layer): string {
  if (layer.kind === 'conv' && layer.groups > 1) return `Conv2D, ${layer.groups} groups`;
  return CLASSES[layer.kind];
}

const CLASSES: Readonly<Record<Layer['kind'], string>> = {
  conv: 'Conv2D',
  dense: 'Dense',
  'batch-norm': 'BatchNormalization',
  activation: 'Activation',
  'max-pool': 'MaxPooling2D',
  'average-pool': 'AveragePooling2D',
  'global-average-pool': 'GlobalAveragePooling2D',
  lrn: 'LRN',
  'zero-pad': 'ZeroPadding2D',
  flatten: 'Flatten',
  dropout: 'Dropout',
  add: 'Add',
  mul: 'Multiply',
  concat: 'Concatenate',
};
