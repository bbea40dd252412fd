import {
  convFirstK,
  convFirstWeightsBytes,
  convK,
  convWeightsBytes,
  depthwiseWeightsBytes,
  PANEL_PIXELS,
  readsTensorAsRows,
} from './layout.ts';
import { type Op, type OpOf, OVERREAD_BYTES } from './program.ts';
import type { Span, Spans } from './spans.ts';
import { isWinogradShape, winogradScratchBytesFor } from './winograd.ts';

/** The checks of ops that look through a window: its geometry, weights, scratch and largest sum. */

type Depthwise = OpOf<'depthwise'> | OpOf<'depthwise-wide'>;
type Windowed = Extract<Op, { kernelHeight: number }>;

/** Sums of this many products of a byte and a weight stay below 2^31. */
const MAX_PRODUCTS = Math.floor(2 ** 31 / (255 * 128));
const MAX_STEP = 4096;

function checkWindow(op: Windowed, spans: Spans): void {
  const steps = [op.kernelHeight, op.kernelWidth, op.strideY, op.strideX];
  spans.require(
    steps.every((step) => step >= 1 && step <= MAX_STEP),
    'has a kernel or stride outside 1…4096',
  );
  spans.require(
    [op.padTop, op.padLeft].every((pad) => pad >= 0 && pad <= MAX_STEP),
    'has a padding outside 0…4096',
  );
}

function checkDilation(op: OpOf<'conv'> | Depthwise, spans: Spans, most: 127 | 255): void {
  const inside = [op.dilationY, op.dilationX].every((step) => step >= 1 && step <= MAX_STEP);
  spans.require(inside, 'has a dilation outside 1…4096');
  spans.require(op.padValue >= 0 && op.padValue <= most, `pads with ${op.padValue}, not 0…${most}`);
}

function panel(op: OpOf<'conv'> | OpOf<'conv-first'>, spans: Spans, rowBytes: number): Span {
  const least = Math.min(PANEL_PIXELS, op.outputHeight * op.outputWidth) * rowBytes + OVERREAD_BYTES;
  spans.require(op.scratchBytes >= least, `has ${op.scratchBytes} bytes of scratch and needs ${least}`);
  return spans.scratch(op.scratch, op.scratchBytes);
}

export function checkConvFirst(op: OpOf<'conv-first'>, spans: Spans, input: Span): void {
  checkWindow(op, spans);
  spans.require(op.inputChannels <= 4, `reads ${op.inputChannels} channels of pixels, at most 4`);
  spans.require(op.inputStride === op.inputChannels, 'reads pixels that are not densely packed');
  const k = convFirstK(op);
  spans.require(k <= MAX_PRODUCTS, 'sums too many products');
  spans.weights('weights', op.weights, convFirstWeightsBytes(op));
  spans.epilogue(op, [input, panel(op, spans, k * 2)]);
}

export function checkConv(op: OpOf<'conv'>, spans: Spans, input: Span): void {
  checkWindow(op, spans);
  checkDilation(op, spans, op.form === 3 ? 255 : 127);
  const { groups } = op;
  const divides = groups >= 1 && op.inputChannels % groups === 0 && op.outputChannels % groups === 0;
  spans.require(divides, `has ${groups} groups, which do not divide its channels`);
  spans.require([0, 1, 2, 3].includes(op.form), `has form ${op.form}, which this engine does not know`);
  const k = convK(op);
  spans.require(k <= MAX_PRODUCTS, 'sums too many products');
  spans.weights('weights', op.weights, convWeightsBytes(op));
  if (op.form === 2) {
    spans.require(isWinogradShape(op), 'has form 2 and is no 3x3 convolution with stride 1');
    const least = winogradScratchBytesFor(op, 4);
    spans.require(op.scratchBytes >= least, `has ${op.scratchBytes} bytes of scratch and needs ${least}`);
    spans.epilogue(op, [input, spans.scratch(op.scratch, op.scratchBytes)]);
  } else {
    spans.epilogue(op, readsTensorAsRows(op) ? [input] : [input, panel(op, spans, k)]);
  }
}

export function checkDepthwise(op: Depthwise, spans: Spans, input: Span): void {
  checkWindow(op, spans);
  checkDilation(op, spans, op.kind === 'depthwise-wide' ? 255 : 127);
  spans.sameChannels(op);
  spans.require(op.kernelHeight * op.kernelWidth <= MAX_PRODUCTS, 'sums too many products');
  spans.weights('weights', op.weights, depthwiseWeightsBytes(op));
  spans.epilogue(op, [input]);
}

/** Every window of a pool meets the map. */
function checkMeets(op: OpOf<'max-pool'> | OpOf<'average-pool'>, spans: Spans): void {
  checkWindow(op, spans);
  spans.sameChannels(op);
  const meets =
    op.padTop < op.kernelHeight &&
    op.padLeft < op.kernelWidth &&
    (op.outputHeight - 1) * op.strideY - op.padTop < op.inputHeight &&
    (op.outputWidth - 1) * op.strideX - op.padLeft < op.inputWidth;
  spans.require(meets, 'has a window that does not meet the map');
}

export function checkPool(op: OpOf<'max-pool'>, spans: Spans, input: Span): void {
  checkMeets(op, spans);
  spans.output(op, 0, [input]);
}

export function checkAverage(op: OpOf<'average-pool'>, spans: Spans, input: Span): void {
  checkMeets(op, spans);
  spans.require(
    [op.padBottom, op.padRight].every((pad) => pad >= 0 && pad <= MAX_STEP),
    'has a padding outside 0…4096',
  );
  spans.flag('countPads', op.countPads);
  spans.byte('zero', op.zero);
  spans.require(op.kernelHeight * op.kernelWidth < 1 << 23, 'sums too many pixels');
  spans.output(op, 0, [input]);
}

export function checkCopy(op: OpOf<'copy'>, spans: Spans, input: Span): void {
  const steps = [op.strideY, op.strideX, op.strideC];
  spans.require(
    steps.every((step) => step >= 1 && step <= MAX_STEP),
    'has a stride outside 1…4096',
  );
  const pads = [op.padTop, op.padLeft, op.padChannel];
  spans.require(
    pads.every((pad) => Math.abs(pad) <= 1 << 20),
    'has a padding beyond 2^20',
  );
  spans.require(op.outputChannels <= 1 << 18, 'has too many channels');
  spans.byte('fill', op.fill);
  spans.output(op, 0, [input]);
}
