import { convFirstWeightIndex } from '../../../../functions/runtime/int8/layout.ts';
import type { OpOf } from '../../../../functions/runtime/int8/program.ts';

/** Two grey pixels → three logits: 2a + b, a − b, −3b + 0.5. */
export const dense: OpOf<'conv-first'> = {
  kind: 'conv-first',
  layer: 'dense',
  ...{ input: 0, inputHeight: 1, inputWidth: 2, inputChannels: 1, inputStride: 1 },
  ...{ output: 128, outputHeight: 1, outputWidth: 1, outputChannels: 3, outputStride: 3 },
  ...{ kernelHeight: 1, kernelWidth: 2, strideY: 1, strideX: 1, padTop: 0, padLeft: 0 },
  ...{ scale: 64, bias: 96, residual: -1, residualStride: 0, residualScale: 0, activation: 0, slope: 0 },
  ...{ alpha: 0, beta: 0, activationScale: 0, activationZero: 0, low: 0, high: 127, float: 1 },
  ...{ weights: 128, padValues: 0, scratch: 256, scratchBytes: 68 },
};
const ROWS = [
  [2, 1],
  [1, -1],
  [0, -3],
];

/** For a program of so many bytes of weights, most of which no op reads. */
export function weightsOf(bytes: number): Uint8Array<ArrayBuffer> {
  const weights = new Uint8Array(bytes).fill(1, 256);
  const view = new DataView(weights.buffer);
  ROWS.forEach((row, n) => {
    view.setFloat32(dense.scale + 4 * n, 1, true);
    row.forEach((weight, tap) => {
      view.setInt8(dense.weights + convFirstWeightIndex(dense, n, tap, 0), weight);
    });
  });
  view.setFloat32(dense.bias + 8, 0.5, true);
  return weights;
}
