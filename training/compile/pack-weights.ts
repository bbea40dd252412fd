import {
  type ConvFirstShape,
  type ConvShape,
  convFirstWeightIndex,
  convFirstWeightsBytes,
  convWeightIndex,
  convWeightsBytes,
  type DenseInt4Shape,
  type DepthwiseShape,
  denseInt4ScaleIndex,
  denseInt4ScalesBytes,
  denseInt4WeightIndex,
  denseInt4WeightsBytes,
  depthwiseWeightIndex,
  depthwiseWeightsBytes,
} from '../../functions/runtime/int8/layout.ts';
import { float16Bits } from './quantize-weights.ts';

/** From weights in the order of the graph to the layouts of `layout.ts`; what is padding there stays zero. */

/** @param weights [tap][inputs / groups][outputs] */
export function packConv(shape: ConvShape, weights: Int8Array): Int8Array {
  const packed = new Int8Array(convWeightsBytes(shape));
  const inputs = shape.inputChannels / shape.groups;
  const inGroup = shape.outputChannels / shape.groups;
  for (const [index, weight] of weights.entries()) {
    const output = index % shape.outputChannels;
    const c = Math.floor(index / shape.outputChannels) % inputs;
    const tap = Math.floor(index / shape.outputChannels / inputs);
    packed[convWeightIndex(shape, Math.floor(output / inGroup), output % inGroup, tap, c)] = weight;
  }
  return packed;
}

/** @param weights [tap][inputs][outputs] */
export function packConvFirst(shape: ConvFirstShape, weights: Int8Array): Int8Array {
  const packed = new Int8Array(convFirstWeightsBytes(shape));
  for (const [index, weight] of weights.entries()) {
    const output = index % shape.outputChannels;
    const c = Math.floor(index / shape.outputChannels) % shape.inputChannels;
    const tap = Math.floor(index / shape.outputChannels / shape.inputChannels);
    packed[convFirstWeightIndex(shape, output, tap, c)] = weight;
  }
  return packed;
}

/** @param weights [tap][channels] */
export function packDepthwise(shape: DepthwiseShape, weights: Int8Array): Int8Array {
  const packed = new Int8Array(depthwiseWeightsBytes(shape));
  for (const [index, weight] of weights.entries()) {
    const c = index % shape.inputChannels;
    packed[depthwiseWeightIndex(shape, Math.floor(index / shape.inputChannels), c)] = weight;
  }
  return packed;
}

/** @param weights −7…7 [inputs][outputs]; a byte holds two of them, each plus 8 */
export function packDenseInt4(shape: DenseInt4Shape, weights: Int8Array): Uint8Array {
  const packed = new Uint8Array(denseInt4WeightsBytes(shape)).fill(0x88);
  for (let k = 0; k < shape.inputChannels; k++) {
    for (let n = 0; n < shape.outputChannels; n++) {
      const { byte, shift } = denseInt4WeightIndex(shape, n, k);
      const nibble = (weights[k * shape.outputChannels + n] ?? 0) + 8;
      packed[byte] = ((packed[byte] ?? 0) & (0xf0 >> shift)) | (nibble << shift);
    }
  }
  return packed;
}

/** @param scales [group][outputs] */
export function packGroupScales(shape: DenseInt4Shape, scales: Float32Array): Uint16Array {
  const packed = new Uint16Array(denseInt4ScalesBytes(shape) / 2);
  for (const [index, scale] of scales.entries()) {
    const group = Math.floor(index / shape.outputChannels);
    packed[denseInt4ScaleIndex(shape, index % shape.outputChannels, group)] = float16Bits(scale);
  }
  return packed;
}
