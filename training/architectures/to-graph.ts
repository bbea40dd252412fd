import type { Graph, Node, Operation, Shape } from '../graph/graph.ts';
import {
  type Layer,
  type LayerActivation,
  type Parameter,
  type ParameterSource,
  parametersOf,
  sizeOf,
} from './layer.ts';

type Of<K extends Layer['kind']> = Extract<Layer, { kind: K }>;

/**
 * Layers as a float graph with the numbers of `source`. A layer's value carries its name; with an activation of its
 * own, what comes before that is `<name>/linear`, as in imported Keras models. Dropout does nothing at inference, nor
 * does flattening what has one position: those that read it read what it reads.
 */
export function toGraph(
  input: { readonly name: string; readonly shape: Shape },
  layers: readonly Layer[],
  source: ParameterSource,
): Graph {
  const nodes: Node[] = [];
  const passed = new Map<string, string>();
  const origin = (name: string) => passed.get(name) ?? name;
  for (const layer of layers) {
    const inputs = layer.inputs.map(origin);
    if (layer.kind === 'dropout' || (layer.kind === 'flatten' && layer.input[0] * layer.input[1] === 1))
      passed.set(layer.name, inputs[0] ?? '');
    else nodes.push(...nodesOf(layer, inputs, source));
  }
  return { input: { name: input.name, shape: input.shape }, nodes, output: origin(layers.at(-1)?.name ?? input.name) };
}

function nodesOf(
  layer: Exclude<Layer, { kind: 'dropout' }>,
  inputs: readonly string[],
  source: ParameterSource,
): readonly Node[] {
  const { name } = layer;
  switch (layer.kind) {
    case 'conv':
    case 'dense': {
      const linear = layer.activation ? `${name}/linear` : name;
      const node = { name: linear, inputs, ...weighted(layer, source) };
      return layer.activation ? [node, ...activated(name, [linear], layer.activation)] : [node];
    }
    case 'activation':
      return activated(name, inputs, layer.activation);
    default:
      return [{ name, inputs, ...plain(layer, source) }];
  }
}

function weighted(layer: Of<'conv'> | Of<'dense'>, source: ParameterSource): Operation {
  const [weights = NONE, bias = null] = parametersOf(layer).map((parameter) => read(layer, parameter, source));
  if (layer.kind === 'dense') return { op: 'dense', weights, bias };
  const { kernel, strides, pads, groups } = layer;
  return { op: 'conv', kernel, strides, dilations: [1, 1], pads, groups, weights, bias };
}

function plain(
  layer: Exclude<Layer, { kind: 'dropout' | 'conv' | 'dense' | 'activation' }>,
  source: ParameterSource,
): Operation {
  const output = [layer.output[0], layer.output[1]] as const;
  switch (layer.kind) {
    case 'batch-norm':
      return scaleShift(layer, source);
    case 'max-pool':
      return { op: 'max-pool', kernel: layer.kernel, strides: layer.strides, pads: layer.pads, output };
    case 'average-pool': {
      const { kernel, strides, pads } = layer;
      return { op: 'average-pool', kernel, strides, pads, output, countPads: false };
    }
    case 'lrn':
      return { op: 'lrn', size: layer.size, alpha: layer.alpha, beta: layer.beta, k: layer.k };
    case 'zero-pad':
      return { op: 'pad', pads: layer.pads, channels: [0, 0] };
    case 'global-average-pool':
    case 'flatten':
    case 'add':
    case 'mul':
    case 'concat':
      return { op: layer.kind };
    default:
      return layer satisfies never;
  }
}

/** gamma · (x − mean) / √(variance + epsilon) + beta. */
function scaleShift(layer: Of<'batch-norm'>, source: ParameterSource): Operation {
  const [gamma = NONE, beta = NONE, mean = NONE, variance = NONE] = parametersOf(layer).map((parameter) =>
    read(layer, parameter, source),
  );
  const scale = gamma.map((value, c) => value / Math.sqrt((variance[c] ?? 0) + layer.epsilon));
  return { op: 'scale-shift', scale, shift: beta.map((value, c) => value - (mean[c] ?? 0) * (scale[c] ?? 0)) };
}

/** The graph has no tanh: tanh(x) = 2 · sigmoid(2x) − 1. */
function activated(name: string, inputs: readonly string[], activation: LayerActivation): readonly Node[] {
  switch (activation) {
    case 'relu':
      return [{ name, inputs, op: 'activation', activation: { kind: 'clip', low: 0, high: Infinity } }];
    case 'sigmoid':
      return [{ name, inputs, op: 'activation', activation: { kind: 'sigmoid' } }];
    case 'softmax':
      return [{ name, inputs, op: 'softmax' }];
    case 'tanh': {
      const [doubled, sigmoid] = [`${name}/doubled`, `${name}/sigmoid`];
      return [
        { name: doubled, inputs, op: 'scale-shift', scale: Float32Array.of(2), shift: Float32Array.of(0) },
        { name: sigmoid, inputs: [doubled], op: 'activation', activation: { kind: 'sigmoid' } },
        { name, inputs: [sigmoid], op: 'scale-shift', scale: Float32Array.of(2), shift: Float32Array.of(-1) },
      ];
    }
    default:
      return activation satisfies never;
  }
}

const NONE = new Float32Array();

/** @throws Error where the source gives another number of values than the layer holds. */
export function read(layer: Layer, parameter: Parameter, source: ParameterSource): Float32Array {
  const values = source(layer, parameter);
  if (values.length !== sizeOf(parameter.shape))
    throw new Error(
      `"${layer.name}" takes a ${parameter.name} of [${parameter.shape.join(', ')}], and the source has ${values.length} values`,
    );
  return values;
}
