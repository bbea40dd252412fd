import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, model, type SymbolicTensor, input as symbolicInput } from '@tensorflow/tfjs-layers';
import type { Pads } from '../graph/graph.ts';
import { type Layer, type ParameterSource, parametersOf } from './layer.ts';
import type { Network } from './network.ts';
import { GroupedConv2D, LocalResponseNormalization } from './tfjs-layers.ts';
import { read } from './to-graph.ts';

type Of<K extends Layer['kind']> = Extract<Layer, { kind: K }>;

/**
 * A network as a TF.js model with the numbers of `source`: a layer here is a layer there, of the same name, with a
 * `<name>/pad` before it where TF.js has no word for its padding.
 * @returns `[batch, height, width, channels]` → logits or scores `[batch, classes]`
 */
export function toTfjs(network: Network, source: ParameterSource): LayersModel {
  const input = symbolicInput({ shape: [...network.input.shape], name: network.input.name });
  const values = new Map<string, SymbolicTensor>([[network.input.name, input]]);
  let output = input;
  for (const layer of network.layers) {
    output = apply(
      layer,
      layer.inputs.map((name) => values.get(name) ?? input),
    );
    values.set(layer.name, output);
  }
  const made = model({ inputs: input, outputs: output, name: network.name });
  for (const layer of network.layers) setParameters(made, layer, source);
  return made;
}

function setParameters(made: LayersModel, layer: Layer, source: ParameterSource): void {
  const parameters = parametersOf(layer);
  if (parameters.length === 0) return;
  const tensors = parameters.map((parameter) => tf.tensor(read(layer, parameter, source), [...parameter.shape]));
  made.getLayer(layer.name).setWeights(tensors);
  tf.dispose(tensors);
}

function apply(layer: Layer, inputs: readonly SymbolicTensor[]): SymbolicTensor {
  const [first] = inputs;
  if (!first) throw new Error(`"${layer.name}" has no input`);
  const { name } = layer;
  switch (layer.kind) {
    case 'conv':
    case 'max-pool':
    case 'average-pool':
      return windowed(layer, first);
    case 'global-average-pool': {
      if (!layer.keepDims) return call(layers.globalAveragePooling2d({ name }), first);
      const vector = call(layers.globalAveragePooling2d({ name: `${name}/vector` }), first);
      return call(layers.reshape({ name, targetShape: [...layer.output] }), vector);
    }
    case 'dense': {
      const { units, activation } = layer;
      return call(layers.dense({ name, units, activation: activation ?? 'linear', kernelInitializer: 'zeros' }), first);
    }
    case 'batch-norm':
      return call(layers.batchNormalization({ name, epsilon: layer.epsilon }), first);
    case 'activation':
      return call(layers.activation({ name, activation: layer.activation }), first);
    case 'lrn': {
      const { size, alpha, beta, k } = layer;
      return call(new LocalResponseNormalization({ name, size, alpha, beta, k }), first);
    }
    case 'zero-pad':
      return padded(name, layer.pads, first);
    case 'flatten':
      return call(layers.flatten({ name }), first);
    case 'dropout':
      return call(layers.dropout({ name, rate: layer.rate }), first);
    case 'add':
      return call(layers.add({ name }), inputs);
    case 'mul':
      return call(layers.multiply({ name }), inputs);
    case 'concat':
      return call(layers.concatenate({ name, axis: -1 }), inputs);
    default:
      return layer satisfies never;
  }
}

/**
 * TF.js pads by "same" or not at all. Other padding is a layer of zeros before: maximum pools here read what is not
 * negative, and prefer no zero.
 */
function windowed(layer: Of<'conv'> | Of<'max-pool' | 'average-pool'>, from: SymbolicTensor): SymbolicTensor {
  const { name, kernel } = layer;
  const frame = frameOf(layer);
  const [top, left, bottom, right] = frame;
  // TensorFlow's rule for "same": as many positions as strides fit in, and the odd zero after the map.
  const same =
    [0, 1].every((axis) => layer.output[axis] === Math.ceil((layer.input[axis] ?? 0) / (layer.strides[axis] ?? 1))) &&
    [bottom - top, right - left].every((odd) => odd === 0 || odd === 1);
  const none = Math.max(...frame) <= 0;
  const grouped = layer.kind === 'conv' && layer.groups > 1;
  const direct = none || (same && !grouped);
  const input = direct ? from : padded(`${name}/pad`, frame, from);
  const padding = direct && !none ? 'same' : 'valid';
  const strides: [number, number] = [...layer.strides];
  if (layer.kind !== 'conv') {
    const pool = { name, poolSize: [...kernel] as [number, number], strides, padding } as const;
    return call(layer.kind === 'max-pool' ? layers.maxPooling2d(pool) : layers.averagePooling2d(pool), input);
  }
  const { filters, groups, bias: useBias, activation } = layer;
  const convolution = { name, filters, kernelSize: [...kernel] as [number, number], strides, useBias };
  if (grouped) return call(new GroupedConv2D({ ...convolution, groups }), input);
  const initial = { activation: activation ?? 'linear', kernelInitializer: 'zeros' } as const;
  return call(layers.conv2d({ ...convolution, ...initial, padding }), input);
}

/** Zeros around the map that its windows reach; below and right none where a stride leaves rows out. */
export function frameOf({ pads, kernel, strides, input, output }: Of<'conv'> | Of<'max-pool' | 'average-pool'>): Pads {
  const after = (axis: 0 | 1) =>
    Math.max(0, (output[axis] - 1) * strides[axis] + kernel[axis] - input[axis] - pads[axis]);
  return [pads[0], pads[1], after(0), after(1)];
}

function padded(name: string, [top, left, bottom, right]: Pads, from: SymbolicTensor): SymbolicTensor {
  const padding: [[number, number], [number, number]] = [
    [top, bottom],
    [left, right],
  ];
  return call(layers.zeroPadding2d({ name, padding }), from);
}

function call(layer: layers.Layer, inputs: SymbolicTensor | readonly SymbolicTensor[]): SymbolicTensor {
  return layer.apply(inputs as SymbolicTensor | SymbolicTensor[]) as SymbolicTensor;
}
