import type { Activation, Operation, Pads, Pair, Shape } from '../graph/graph.ts';
import type { Copy } from './fused-graph.ts';
import type { Pixels } from './lower-input.ts';
import type { Quantization } from './ranges.ts';

/** How a value is stored: 8-bit pixels, 7 bits on a grid (or 8: its levels tell), or float32 (the output). */
export type Storage =
  | { readonly kind: 'pixels' }
  | { readonly kind: 'u7'; readonly grid: Quantization }
  | { readonly kind: 'float' };

export interface Value {
  readonly shape: Shape;
  readonly storage: Storage;
}

export interface Window {
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly dilations: Pair;
  readonly pads: Pads;
}

/** int8 weights: real weight = weights[k · outputs + c] · scales[c]; bias in real units, float32. */
export interface Int8Weights {
  readonly weights: Int8Array;
  readonly scales: Float32Array;
  readonly bias: Float32Array;
  /** What the weights were rounded from, in the same order. */
  readonly exact: Float32Array;
}

/** `form` 0: w, 1: w4, 2: Winograd, 3: w on 8 bits. It is chosen by `choose-kernels.ts`. */
export type QuantizedOperation =
  /** Reads 8-bit pixels. Weights [kernelY][kernelX][inputs][outputs] multiply pixels; `padPixels` lie outside the picture. */
  | ({ readonly op: 'conv-first'; readonly padPixels: readonly number[] } & Window & Int8Weights)
  /** Weights [kernelY][kernelX][inputs / groups][outputs]; a dense layer is 1x1. */
  | ({ readonly op: 'conv'; readonly groups: number; readonly form: 0 | 1 | 2 | 3 } & Window & Int8Weights)
  /** Weights [kernelY][kernelX][channels]. */
  | ({ readonly op: 'depthwise' } & Window & Int8Weights)
  /** Weights −7…7 [inputs][outputs], real weight = weights · groupScales[floor(k / 32) · outputs + c] · scales[c]. */
  | ({ readonly op: 'dense-int4'; readonly groupScales: Float32Array } & Int8Weights)
  | { readonly op: 'lookup'; readonly activation: Activation }
  | Extract<
      Operation,
      { op: 'add' | 'mul' | 'concat' | 'max-pool' | 'average-pool' | 'global-average-pool' | 'lrn' | 'flatten' }
    >
  | Copy;

/** One op of the program with everything but places in memory: activation(operation(inputs) + residual). */
export interface QuantizedLayer {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly operation: QuantizedOperation;
  readonly residual: string | null;
  readonly activation: Activation | null;
}

/** What passes after `quantize` speak. */
export interface QuantizedGraph {
  readonly input: string;
  readonly pixels: Pixels;
  readonly output: string;
  readonly layers: readonly QuantizedLayer[];
  readonly values: ReadonlyMap<string, Value>;
}

/** Names of all values that a layer reads. */
export const readBy = (layer: QuantizedLayer): readonly string[] =>
  layer.residual === null ? layer.inputs : [...layer.inputs, layer.residual];

export function valueIn(graph: Pick<QuantizedGraph, 'values'>, name: string | undefined): Value {
  const value = graph.values.get(name ?? '');
  if (!value) throw new Error(`no value is named "${name}"`);
  return value;
}

/** The grid of a 7-bit value. */
export function gridIn(graph: Pick<QuantizedGraph, 'values'>, name: string | undefined): Quantization {
  const { storage } = valueIn(graph, name);
  if (storage.kind !== 'u7') throw new Error(`"${name}" is not stored in 7 bits`);
  return storage.grid;
}

/** Distance of two pixels of a 7-bit value, in bytes, unless it lies in a concatenation. */
export const ownStride = (shape: Shape): number => Math.ceil(shape[2] / 8) * 8;

/** Multiplications and additions of one layer, and its weights (bytes, as stored without padding). */
export function costOf(graph: QuantizedGraph, layer: QuantizedLayer): { macs: number; weightBytes: number } {
  const { operation } = layer;
  if (!('weights' in operation)) return { macs: 0, weightBytes: 0 };
  const [height, width, channels] = valueIn(graph, layer.name).shape;
  const count = operation.weights.length;
  if (operation.op === 'dense-int4') return { macs: count, weightBytes: count / 2 + operation.groupScales.length * 2 };
  return { macs: height * width * count, weightBytes: count + channels * 8 };
}
