/**
 * The float graph: what every importer and every architecture gives, and what the compiler takes.
 *
 * A value is one feature map `[height, width, channels]` (NHWC with the batch left out); a vector of n
 * features is `[1, 1, n]`. A node makes exactly one value, which carries the node's name, so that a tensor
 * can be compared by name with the network it was imported from. Nodes stand in an order in which each
 * comes after what it reads (`check.ts`).
 */

/** `[height, width, channels]`. */
export type Shape = readonly [height: number, width: number, channels: number];
export type Pair = readonly [y: number, x: number];
/** Rows and columns of zeros around a feature map. */
export type Pads = readonly [top: number, left: number, bottom: number, right: number];

/**
 * Functions of one number.
 * - `clip`: min(max(x, low), high); ReLU is `clip` 0…Infinity, ReLU6 `clip` 0…6.
 * - `prelu`: x where x ≥ 0, else slope[c] · x; one slope (LeakyReLU) or one a channel.
 * - `hard-sigmoid`: min(max(alpha · x + beta, 0), 1); `hard-swish`: x · hardSigmoid(x) with alpha 1/6, beta 1/2.
 */
export type Activation =
  | { readonly kind: 'clip'; readonly low: number; readonly high: number }
  | { readonly kind: 'prelu'; readonly slope: Float32Array }
  | { readonly kind: 'sigmoid' }
  | { readonly kind: 'hard-sigmoid'; readonly alpha: number; readonly beta: number }
  | { readonly kind: 'hard-swish' };

export type Node = { readonly name: string; readonly inputs: readonly string[] } & Operation;

export type Operation =
  /** Cross-correlation. `weights` are HWIO: [kernelY][kernelX][inputChannels / groups][outputChannels]. */
  | {
      readonly op: 'conv';
      readonly kernel: Pair;
      readonly strides: Pair;
      readonly dilations: Pair;
      readonly pads: Pads;
      readonly groups: number;
      readonly weights: Float32Array;
      readonly bias: Float32Array | null;
    }
  /** A vector times a matrix: `weights` are [inputs][outputs]; the input is `[1, 1, inputs]`. */
  | { readonly op: 'dense'; readonly weights: Float32Array; readonly bias: Float32Array | null }
  /** x · scale[c] + shift[c]; one number, or one a channel. A batch normalization at inference is this. */
  | { readonly op: 'scale-shift'; readonly scale: Float32Array; readonly shift: Float32Array }
  | { readonly op: 'activation'; readonly activation: Activation }
  /** Two values of one shape. */
  | { readonly op: 'add' }
  /** Two values of one shape, or the second `[1, 1, channels]` (squeeze-and-excitation). */
  | { readonly op: 'mul' }
  /** Along the channels. */
  | { readonly op: 'concat' }
  /** Padding never wins. The output size is the node's own, so that ceil mode needs no flag. */
  | {
      readonly op: 'max-pool';
      readonly kernel: Pair;
      readonly strides: Pair;
      readonly pads: Pads;
      readonly output: Pair;
    }
  /** `countPads`: the divisor counts padding (but not what ceil mode adds beyond it). */
  | {
      readonly op: 'average-pool';
      readonly kernel: Pair;
      readonly strides: Pair;
      readonly pads: Pads;
      readonly output: Pair;
      readonly countPads: boolean;
    }
  | { readonly op: 'global-average-pool' }
  /** x / (k + alpha / size · Σ x²)^beta over `size` channels around each (Krizhevsky 2012, section 3.3; ONNX LRN). */
  | { readonly op: 'lrn'; readonly size: number; readonly alpha: number; readonly beta: number; readonly k: number }
  /** [height, width, channels] → [1, 1, height · width · channels], channels fastest. */
  | { readonly op: 'flatten' }
  /** Over the channels of a vector. */
  | { readonly op: 'softmax' }
  /** Zeros around the map, and zero channels before and after. */
  | { readonly op: 'pad'; readonly pads: Pads; readonly channels: readonly [before: number, after: number] }
  /** Rows, columns and channels `start, start + step, …`, `size` of them. */
  | { readonly op: 'slice'; readonly start: Shape; readonly size: Shape; readonly step: Shape };

export interface Graph {
  /** Name and shape of the one input. */
  readonly input: { readonly name: string; readonly shape: Shape };
  readonly nodes: readonly Node[];
  /** Name of the value that holds logits or scores. */
  readonly output: string;
}

/** Anything wrong with a network that a user brings: says what, where and what could be done. */
export class GraphError extends Error {
  override readonly name = 'GraphError';
}
