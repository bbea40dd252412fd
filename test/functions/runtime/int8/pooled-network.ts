import { convFirstWeightIndex, convWeightIndex } from '../../../../functions/runtime/int8/layout.ts';
import type { OpOf, Program } from '../../../../functions/runtime/int8/program.ts';

/** A grey picture → 1x1 convolution → mean over the map → dense layer, with numbers that a test can look up. */
export const HEIGHT = 4;
export const WIDTH = 6;
export const CHANNELS = 8;
export const CLASSES = 3;

export const numbers = {
  /** int8 weight of channel c of the convolution; every other channel is darkness. */
  first: (c: number) => (c % 2 === 0 ? 20 + 3 * c : -20 - 3 * c),
  firstScale: 0.01,
  /** No sum is a tie. */
  firstBias: (c: number) => (c % 2 === 0 ? 2.003 : 90.003),
  /** Steps of the pooled vector for a step of a feature, and what it is of none. */
  poolStep: 0.9,
  poolBias: 5,
  dense: (n: number, c: number) => ((n * 37 + c * 53) % 201) - 100,
  denseScale: 0.002,
  denseBias: (n: number) => n - 0.75,
};

const AT = { input: 0, features: 64, pooled: 384, end: 448 };
const BLOCK = { firstScale: 64, firstBias: 96, first: 128, denseScale: 192, denseBias: 224, dense: 256, end: 512 };
const plain = {
  ...{ residual: -1, residualStride: 0, residualScale: 0, activation: 0, slope: 0, alpha: 0, beta: 0 },
  ...{ activationScale: 1, activationZero: 0, low: 0, high: 127, scratch: 512 },
};
const window = { kernelHeight: 1, kernelWidth: 1, strideY: 1, strideX: 1, padTop: 0, padLeft: 0 };

const first: OpOf<'conv-first'> = {
  kind: 'conv-first',
  layer: 'features',
  ...{ input: AT.input, inputHeight: HEIGHT, inputWidth: WIDTH, inputChannels: 1, inputStride: 1 },
  ...{ output: AT.features, outputHeight: HEIGHT, outputWidth: WIDTH, outputChannels: CHANNELS, outputStride: 8 },
  ...{ ...window, ...plain, scale: BLOCK.firstScale, bias: BLOCK.firstBias, float: 0 },
  ...{ weights: BLOCK.first, padValues: 0, scratchBytes: 256 },
};
const pool: OpOf<'global-average'> = {
  kind: 'global-average',
  layer: 'pool',
  ...{ input: AT.features, inputHeight: HEIGHT, inputWidth: WIDTH, inputChannels: CHANNELS, inputStride: 8 },
  ...{ output: AT.pooled, outputHeight: 1, outputWidth: 1, outputChannels: CHANNELS, outputStride: 8 },
  ...{ multiplier: numbers.poolStep / (HEIGHT * WIDTH), bias: numbers.poolBias, float: 0 },
};
const dense: OpOf<'conv'> = {
  kind: 'conv',
  layer: 'logits',
  ...{ input: AT.pooled, inputHeight: 1, inputWidth: 1, inputChannels: CHANNELS, inputStride: 8 },
  // Over the features, as the planner of memory may put it.
  ...{ output: AT.features, outputHeight: 1, outputWidth: 1, outputChannels: CLASSES, outputStride: CLASSES },
  ...{ ...window, ...plain, scale: BLOCK.denseScale, bias: BLOCK.denseBias, float: 1 },
  ...{ dilationY: 1, dilationX: 1, groups: 1, padValue: 0, weights: BLOCK.dense, form: 0, scratchBytes: 0 },
};
const program: Program = {
  input: { height: HEIGHT, width: WIDTH, channels: 1 },
  output: { offset: AT.features, classes: CLASSES },
  arenaBytes: 1024,
  weightsBytes: BLOCK.end + 64,
  ops: [first, pool, dense],
};
export const NETWORK = { program, pool, dense };

/** @param dense other numbers of the dense layer */
export function networkWeights({
  dense: denseWeight,
  denseBias,
}: Pick<typeof numbers, 'dense' | 'denseBias'> = numbers): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(program.weightsBytes);
  const view = new DataView(bytes.buffer);
  for (let c = 0; c < CHANNELS; c++) {
    view.setFloat32(BLOCK.firstScale + 4 * c, numbers.firstScale, true);
    view.setFloat32(BLOCK.firstBias + 4 * c, numbers.firstBias(c), true);
    view.setInt8(BLOCK.first + convFirstWeightIndex(first, c, 0, 0), numbers.first(c));
  }
  for (let n = 0; n < CLASSES; n++) {
    view.setFloat32(BLOCK.denseScale + 4 * n, numbers.denseScale, true);
    view.setFloat32(BLOCK.denseBias + 4 * n, denseBias(n), true);
    for (let c = 0; c < CHANNELS; c++) {
      view.setInt8(BLOCK.dense + convWeightIndex(dense, 0, n, 0, c), denseWeight(n, c));
    }
  }
  return bytes;
}
