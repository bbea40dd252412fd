import type { Pads, Pair, Shape } from '../graph/graph.ts';

/** What a layer applies to its own result, as Keras' argument `activation`. */
export type LayerActivation = 'relu' | 'sigmoid' | 'softmax' | 'tanh';

interface Window {
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly pads: Pads;
}

/**
 * One layer as the authors of a network list it. The rows of its summary, its float graph and its TF.js model are
 * all made from this (`network.ts`, `to-graph.ts`, `to-tfjs.ts`).
 */
export type LayerOperation =
  | ({
      readonly kind: 'conv';
      readonly filters: number;
      readonly groups: number;
      readonly bias: boolean;
      readonly activation: LayerActivation | null;
    } & Window)
  | { readonly kind: 'dense'; readonly units: number; readonly activation: LayerActivation | null }
  /** `gain`: mean of a random gamma; below 1 where a residual branch ends, so that sums of many don't grow. */
  | { readonly kind: 'batch-norm'; readonly epsilon: number; readonly gain: number }
  | { readonly kind: 'activation'; readonly activation: LayerActivation }
  | ({ readonly kind: 'max-pool' | 'average-pool' } & Window)
  /** `keepDims`: a map of one position instead of a vector. */
  | { readonly kind: 'global-average-pool'; readonly keepDims: boolean }
  | { readonly kind: 'lrn'; readonly size: number; readonly alpha: number; readonly beta: number; readonly k: number }
  | { readonly kind: 'zero-pad'; readonly pads: Pads }
  | { readonly kind: 'flatten' }
  | { readonly kind: 'dropout'; readonly rate: number }
  | { readonly kind: 'add' | 'mul' | 'concat' };

export type Layer = LayerOperation & {
  /** As the originals name it: official weights are found by it. */
  readonly name: string;
  readonly inputs: readonly string[];
  /** Shape of the first input. */
  readonly input: Shape;
  readonly output: Shape;
  /** Whether the output is a vector (`output` is `[1, 1, n]`) or a map. */
  readonly vector: boolean;
};

/** One array of numbers that a layer holds, by Keras' name. */
export interface Parameter {
  readonly name: 'kernel' | 'bias' | 'gamma' | 'beta' | 'moving_mean' | 'moving_variance';
  /** Kernels are HWIO `[y, x, input channels / groups, filters]`, or `[inputs, units]`; all else `[channels]`. */
  readonly shape: readonly number[];
  /** Found by gradients; a batch norm's moving statistics are not. */
  readonly trainable: boolean;
}

/** The parameters of a layer, in the order in which Keras and TF.js hold them. */
export function parametersOf(layer: Layer): readonly Parameter[] {
  const channels = [layer.output[2]];
  const trained = (name: Parameter['name'], shape: readonly number[]) => ({ name, shape, trainable: true });
  const measured = (name: Parameter['name']) => ({ name, shape: channels, trainable: false });
  switch (layer.kind) {
    case 'conv': {
      const kernel = trained('kernel', [...layer.kernel, layer.input[2] / layer.groups, layer.filters]);
      return layer.bias ? [kernel, trained('bias', channels)] : [kernel];
    }
    case 'dense':
      return [trained('kernel', [layer.input[2], layer.units]), trained('bias', channels)];
    case 'batch-norm':
      return [
        trained('gamma', channels),
        trained('beta', channels),
        measured('moving_mean'),
        measured('moving_variance'),
      ];
    default:
      return [];
  }
}

/** The numbers in an array of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** Where a network's numbers come from: random ones, or a file. @returns as many as the parameter's shape holds */
export type ParameterSource = (layer: Layer, parameter: Parameter) => Float32Array;
