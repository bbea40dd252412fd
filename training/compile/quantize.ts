import { INT4_GROUP } from '../../functions/runtime/int8/layout.ts';
import { GraphError, type Shape } from '../graph/graph.ts';
import { type FusedGraph, type Layer, shapeIn } from './fused-graph.ts';
import type { Pixels } from './lower-input.ts';
import { quantizeInt4, quantizeInt8 } from './quantize-weights.ts';
import {
  ownStride,
  type QuantizedGraph,
  type QuantizedLayer,
  type QuantizedOperation,
  type Value,
} from './quantized-graph.ts';
import type { Quantization } from './ranges.ts';

type Conv = Extract<Layer['operation'], { op: 'conv' }>;
type Dense = Extract<Layer['operation'], { op: 'dense' }>;

export interface QuantizeOptions {
  /** 4: dense layers of more than four million weights take 4 bits. */
  readonly denseBits: 4 | 8;
}

/** Dense layers above this are read from memory once an image, and half the bytes are half the time. */
const LARGE_DENSE = 4_000_000;
export const isLargeDense = ({ weights }: Pick<Dense, 'weights'>): boolean => weights.length > LARGE_DENSE;

/** The largest |accumulator|: it must fit int32 for every input. */
const MAX_ACCUMULATOR = 2 ** 31 - 1;
const LARGEST_WEIGHT = 127;

/** How weights become integers. */
export interface Rounding {
  readonly int8: typeof quantizeInt8;
  readonly int4: typeof quantizeInt4;
}

const NEAREST: Rounding = { int8: quantizeInt8, int4: quantizeInt4 };

/** Weights become integers, values get their grids. The last layer gives float32. */
export function quantize(
  graph: FusedGraph,
  pixels: Pixels,
  grids: ReadonlyMap<string, Quantization>,
  options: QuantizeOptions,
  rounding = NEAREST,
): QuantizedGraph {
  const values = new Map<string, Value>();
  values.set(graph.input.name, { shape: graph.input.shape, storage: { kind: 'pixels' } });
  for (const { name } of graph.layers) {
    const grid = grids.get(name);
    if (!grid) throw new Error(`"${name}" has no grid`);
    const storage = name === graph.output ? ({ kind: 'float' } as const) : ({ kind: 'u7', grid } as const);
    values.set(name, { shape: shapeIn(graph, name), storage });
  }
  const layers = graph.layers.map((layer): QuantizedLayer => {
    const largest = grids.get(layer.inputs[0] ?? '')?.levels ?? 255;
    const operation = quantizedOperation(graph, layer, pixels, options, rounding, largest);
    return {
      name: layer.name,
      inputs: layer.inputs,
      operation,
      residual: layer.residual,
      activation: layer.activation,
    };
  });
  return { input: graph.input.name, pixels, output: graph.output, layers, values };
}

function quantizedOperation(
  graph: FusedGraph,
  layer: Layer,
  pixels: Pixels,
  options: QuantizeOptions,
  rounding: Rounding,
  largest: number,
): QuantizedOperation {
  const { operation } = layer;
  if (operation.op === 'conv') {
    const outputs = shapeIn(graph, layer.name)[2];
    if (layer.inputs[0] === graph.input.name) return convFirst(layer, operation, pixels, outputs, rounding);
    return conv(layer, operation, shapeIn(graph, layer.inputs[0])[2], outputs, rounding, largest);
  }
  if (layer.inputs.includes(graph.input.name)) throw new Error(`"${layer.name}" (${operation.op}) cannot read pixels`);
  if (operation.op === 'dense') return dense(layer, operation, graph, options, rounding, largest);
  if (operation.op === 'activation') return { op: 'lookup', activation: operation.activation };
  return operation;
}

/** On pixels p: Σ w · (p · s + o) + b = Σ (w · s) · p + Σ w · o + b, with the integer weights in both sums. */
function convFirst(
  layer: Layer,
  { weights, bias, kernel, strides, dilations, pads }: Conv,
  pixels: Pixels,
  outputs: number,
  rounding: Rounding,
): QuantizedOperation {
  const channels = pixels.scale.length;
  const channelOf = (index: number) => Math.floor(index / outputs) % channels;
  const onPixels = weights.map((weight, index) => weight * (pixels.scale[channelOf(index)] ?? 1));
  const int8 = rounding.int8(onPixels, outputs);
  const shifted = Float64Array.from({ length: outputs }, (_, c) => bias?.[c] ?? 0);
  for (const [index, weight] of int8.weights.entries()) {
    const [c, channel] = [index % outputs, channelOf(index)];
    const shift = (pixels.offset[channel] ?? 0) / (pixels.scale[channel] ?? 1);
    shifted[c] = (shifted[c] ?? 0) + weight * (int8.scales[c] ?? 1) * shift;
  }
  checkAccumulators(layer, int8.weights, outputs, 255);
  const padPixels = pixels.scale.map((scale, c) =>
    Math.min(Math.max(Math.round(-(pixels.offset[c] ?? 0) / scale), 0), 255),
  );
  const window = { kernel, strides, dilations, pads };
  return { op: 'conv-first', ...window, padPixels, ...int8, bias: Float32Array.from(shifted), exact: onPixels };
}

function conv(
  layer: Layer,
  operation: Conv,
  inputs: number,
  outputs: number,
  rounding: Rounding,
  largest: number,
): QuantizedOperation {
  const { kernel, strides, dilations, pads, groups } = operation;
  const window = { kernel, strides, dilations, pads };
  const { weights: exact, bias } = operation;
  const int8 = { ...rounding.int8(exact, outputs), bias: bias ?? new Float32Array(outputs), exact };
  checkAccumulators(layer, int8.weights, outputs, largest);
  if (groups === inputs && groups === outputs) return { op: 'depthwise', ...window, ...int8 };
  return { op: 'conv', ...window, ...int8, groups, form: 0 };
}

/** A dense layer reads one pixel; where that is a map laid out as a vector, weights of zero meet the bytes between pixels. */
function dense(
  layer: Layer,
  operation: Dense,
  graph: FusedGraph,
  options: QuantizeOptions,
  rounding: Rounding,
  largest: number,
): QuantizedOperation {
  const outputs = shapeIn(graph, layer.name)[2];
  const weights = spreadOverStride(operation.weights, outputs, laidOut(graph, layer.inputs[0]));
  const bias = operation.bias ?? new Float32Array(outputs);
  if (options.denseBits === 4 && isLargeDense(operation)) {
    return { op: 'dense-int4', ...rounding.int4(weights, outputs, INT4_GROUP), bias, exact: weights };
  }
  const int8 = { ...rounding.int8(weights, outputs), bias, exact: weights };
  checkAccumulators(layer, int8.weights, outputs, largest);
  const one = { kernel: [1, 1], strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0] } as const;
  return { op: 'conv', ...one, ...int8, groups: 1, form: 0 };
}

/** The map whose bytes a vector is, where one was laid out. */
function laidOut(graph: FusedGraph, name: string | undefined): Shape {
  const flatten = graph.layers.find((layer) => layer.name === name && layer.operation.op === 'flatten');
  return shapeIn(graph, flatten ? flatten.inputs[0] : name);
}

/** Rows of `columns` values, one an element of a map, with zeros for the bytes that lie between its pixels. */
export function spreadOverStride(rows: Float32Array, columns: number, shape: Shape): Float32Array {
  const [pixels, channels, stride] = [shape[0] * shape[1], shape[2], ownStride(shape)];
  if (channels === stride || pixels === 1) return rows;
  const spread = new Float32Array(pixels * stride * columns);
  const row = channels * columns;
  for (let pixel = 0; pixel < pixels; pixel++) {
    spread.set(rows.subarray(pixel * row, (pixel + 1) * row), pixel * stride * columns);
  }
  return spread;
}

function checkAccumulators(layer: Layer, weights: Int8Array, outputs: number, largest: number): void {
  if ((weights.length / outputs) * LARGEST_WEIGHT * largest <= MAX_ACCUMULATOR) return;
  const sums = new Float64Array(outputs);
  for (const [index, weight] of weights.entries())
    sums[index % outputs] = (sums[index % outputs] ?? 0) + Math.abs(weight);
  if (sums.some((sum) => sum * largest > MAX_ACCUMULATOR)) {
    throw new GraphError(`Layer "${layer.name}" adds so many products that 32 bits cannot hold the sum.`);
  }
}
