import {
  convFirstScratchBytes,
  convFirstWeightsBytes,
  convScratchBytes,
  convWeightsBytes,
  depthwiseWeightsBytes,
  perChannelCount,
  roundUp,
} from '../../functions/runtime/int8/layout.ts';
import { type Op, type OpOf, OVERREAD_BYTES, type Program } from '../../functions/runtime/int8/program.ts';
import { isWinogradShape, winogradScratchBytes } from '../../functions/runtime/int8/winograd.ts';
import type { ConvShape } from './shapes.ts';

/** Weights to −32…32 are exact in every form. */
export const MAX_WEIGHT = 32;

/** Every form in which the engine has this shape, each a program of one op; scales make outputs of all 7 bits. */
export function programsOf(shape: ConvShape): Program[] {
  const memory = new Layout();
  const { input, output, kernel, strides, pads, groups } = shape;
  const stride = shape.kind === 'first' ? input[2] : roundUp(input[2], 8);
  const common = {
    layer: shape.kind,
    input: memory.arena(input[0] * input[1] * stride),
    ...{ inputHeight: input[0], inputWidth: input[1], inputChannels: input[2], inputStride: stride },
    output: memory.arena(output[0] * output[1] * roundUp(output[2], 8)),
    ...{ outputHeight: output[0], outputWidth: output[1] },
    ...{ outputChannels: output[2], outputStride: roundUp(output[2], 8) },
    ...{ kernelHeight: kernel[0], kernelWidth: kernel[1], strideY: strides[0], strideX: strides[1] },
    ...{ padTop: pads[0], padLeft: pads[1] },
    scale: memory.weights(4 * perChannelCount(output[2])),
    bias: memory.weights(4 * perChannelCount(output[2])),
    ...{ residual: -1, residualStride: 0, residualScale: 0, activation: 0, slope: 0, alpha: 0, beta: 0 },
    ...{ activationScale: 0, activationZero: 0, low: 0, high: 127, float: 0 },
  };
  if (shape.kind === 'depthwise') {
    const op = { kind: 'depthwise', ...common, dilationY: 1, dilationX: 1, padValue: 0, weights: 0 } as const;
    return [memory.program({ ...op, weights: memory.weights(depthwiseWeightsBytes(op)) })];
  }
  if (shape.kind === 'first') {
    const op = { kind: 'conv-first', ...common, weights: 0, padValues: 0, scratch: 0, scratchBytes: 0 } as const;
    return [placed(op, memory.weights(convFirstWeightsBytes(op)), convFirstScratchBytes(op))];
  }
  const op: OpOf<'conv'> = {
    ...{ kind: 'conv', ...common, dilationY: 1, dilationX: 1, groups, padValue: 0 },
    ...{ weights: 0, form: 0, scratch: 0, scratchBytes: 0 },
  };
  const weights = memory.weights(convWeightsBytes(op));
  const pixels = output[0] * output[1];
  const forms = pixels < 4 ? [0] : isWinogradShape(op) ? [0, 1, 2] : [0, 1];
  return forms.map((form) =>
    placed({ ...op, form }, weights, form === 2 ? winogradScratchBytes(op) : convScratchBytes(op)),
  );

  function placed(unplaced: OpOf<'conv'> | OpOf<'conv-first'>, at: number, scratchBytes: number): Program {
    const own = memory.copy();
    return own.program({ ...unplaced, weights: at, scratch: own.arena(scratchBytes), scratchBytes });
  }
}

/** Places one after the other, in the arena and in the block of weights. */
class Layout {
  #arena = 0;
  #weights = 64;

  copy(): Layout {
    const other = new Layout();
    other.#arena = this.#arena;
    other.#weights = this.#weights;
    return other;
  }

  arena(bytes: number): number {
    const at = this.#arena;
    this.#arena = roundUp(at + bytes + OVERREAD_BYTES, 64);
    return at;
  }

  weights(bytes: number): number {
    const at = this.#weights;
    this.#weights = roundUp(at + bytes + OVERREAD_BYTES, 64);
    return at;
  }

  program(op: Op): Program {
    const output = this.arena(4);
    return {
      input: { height: op.inputHeight, width: op.inputWidth, channels: op.inputChannels },
      output: { offset: output, classes: 1 },
      ...{ arenaBytes: this.#arena, weightsBytes: this.#weights, ops: [op] },
    };
  }
}
