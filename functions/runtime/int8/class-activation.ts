import type { ActivationMap } from '../classifier.ts';
import type { Engine } from './engine.ts';
import { convWeightIndex } from './layout.ts';
import { ACTIVATIONS, type OpOf, type Program } from './program.ts';

/** How a network ends that can be explained: the pool, and the dense layer behind it where there is one. */
export interface PooledEnd {
  /** Place of the pool in the list of ops. */
  readonly pool: number;
  readonly average: OpOf<'global-average'>;
  readonly dense: OpOf<'conv'> | null;
}

/** The end of a network that has class activation maps: global average pooling, or one dense layer behind it; else null. */
export function pooledEnd({ ops, output }: Program): PooledEnd | null {
  const last = ops.at(-1);
  if (last?.output !== output.offset || last.outputChannels !== output.classes) return null;
  const dense = last.kind === 'conv' && isDense(last) ? last : null;
  const pool = ops.length - (dense ? 2 : 1);
  const average = ops[pool];
  // Of a single pixel it would tell nothing.
  if (average?.kind !== 'global-average' || average.inputHeight * average.inputWidth === 1) return null;
  return !dense || average.output === dense.input ? { pool, average, dense } : null;
}

/** One pixel times a matrix, and nothing that bends the result. */
const isDense = (op: OpOf<'conv'>): boolean =>
  op.inputHeight * op.inputWidth * op.kernelHeight * op.kernelWidth * op.groups === 1 &&
  op.float === 1 &&
  op.residual === -1 &&
  ACTIVATIONS[op.activation] === 'none';

/**
 * One run of a loaded program, and the map of the class that `choose` takes from the scores. The feature map is copied
 * at the pool, before later ops may write over it; weights are read where they lie.
 */
export function classActivation(
  engine: Engine,
  end: PooledEnd,
  pixels: Uint8Array,
  choose: (scores: Float32Array) => number,
): { scores: Float32Array; activation: ActivationMap } {
  engine.input.set(pixels);
  let features = new Uint8Array();
  for (let index = 0; index < engine.program.ops.length; index++) {
    if (index === end.pool) features = featuresOf(engine, end.average);
    engine.runOp(index);
  }
  const scores = engine.output.slice();
  const weights = weightsOf(engine, end, choose(scores));
  return { scores, activation: activationMap(end.average, features, weights) };
}

/** uint8 `[height, width, channels]`, densely packed. */
function featuresOf({ arena }: Engine, op: OpOf<'global-average'>): Uint8Array<ArrayBuffer> {
  const { input, inputChannels: channels, inputStride: stride } = op;
  const pixels = op.inputHeight * op.inputWidth;
  const features = new Uint8Array(pixels * channels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const from = input + pixel * stride;
    features.set(arena.subarray(from, from + channels), pixel * channels);
  }
  return features;
}

interface ClassWeights {
  /** Of a step of channel c of the pooled vector. */
  weight(c: number): number;
  readonly bias: number;
}

function weightsOf(engine: Engine, { dense }: PooledEnd, index: number): ClassWeights {
  // Without a dense layer each class has a channel of its own.
  if (!dense) return { weight: (c) => (c === index ? 1 : 0), bias: 0 };
  const view = new DataView(engine.weights.buffer, engine.weights.byteOffset, engine.weights.length);
  const scale = view.getFloat32(dense.scale + 4 * index, true);
  return {
    weight: (c) => scale * view.getInt8(dense.weights + convWeightIndex(dense, 0, index, 0, c)),
    bias: view.getFloat32(dense.bias + 4 * index, true),
  };
}

/** The pool and the dense layer in the other order: each pixel is weighted as if it were the mean of all. */
function activationMap(op: OpOf<'global-average'>, features: Uint8Array, weights: ClassWeights): ActivationMap {
  const { inputHeight: height, inputWidth: width, inputChannels: channels } = op;
  const values = new Float32Array(height * width);
  const step = op.multiplier * height * width;
  for (let c = 0; c < channels; c++) {
    const weight = weights.weight(c);
    if (weight === 0) continue;
    for (let pixel = 0; pixel < values.length; pixel++) {
      const pooled = (features[pixel * channels + c] as number) * step + op.bias;
      values[pixel] = (values[pixel] as number) + weight * pooled;
    }
  }
  return { height, width, values, bias: weights.bias };
}
