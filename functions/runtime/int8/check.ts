import { checkAverage, checkConv, checkConvFirst, checkCopy, checkDepthwise, checkPool } from './check-windows.ts';
import { denseInt4ScalesBytes, denseInt4WeightsBytes } from './layout.ts';
import { fields, type Op, type OpKind, type OpOf, type Program } from './program.ts';
import { type Span, Spans } from './spans.ts';

/**
 * Everything that the kernels take for granted, checked once: after it no kernel reads or writes outside the
 * program's memory, and none reads what it has just overwritten.
 */

/** Sizes, strides, pads: small enough that no product of two leaves 31 bits. */
const MAX_SIZE = 1 << 15;
const MAX_BYTES = 2 ** 31 - 2 ** 16;

export function fail(what: string, why: string): never {
  throw new Error(`${what} ${why}`);
}

/** @throws Error naming the op, its layer and the field at fault. */
export function checkProgram(program: Program): void {
  const { input, output, arenaBytes, weightsBytes } = program;
  for (const [name, value] of Object.entries({ ...input, classes: output.classes })) {
    if (!Number.isInteger(value) || value < 1 || value > MAX_SIZE * 4) fail('program', `has ${name} ${value}`);
  }
  if (!Number.isInteger(arenaBytes) || !Number.isInteger(weightsBytes) || arenaBytes < 0 || weightsBytes < 0) {
    fail('program', 'has a memory of no size');
  }
  if (arenaBytes + weightsBytes > MAX_BYTES) fail('program', 'needs more than 2 GiB');
  if (input.height * input.width * input.channels > arenaBytes) fail('program', 'has an arena smaller than its input');
  if (!Number.isInteger(output.offset) || output.offset < 0 || output.offset % 4 !== 0) {
    fail('program', `has its output at ${output.offset}`);
  }
  if (output.offset + output.classes * 4 > arenaBytes) fail('program', 'has its output outside the arena');
  program.ops.forEach((op, index) => {
    checkOp(op, new Spans(program, `op ${index} (${op.kind} "${op.layer}")`));
  });
}

function checkOp(op: Op, spans: Spans): void {
  for (const [name, type] of Object.entries(fields[op.kind])) {
    const value = (op as unknown as Readonly<Record<string, number>>)[name];
    if (typeof value !== 'number' || !Number.isFinite(value)) spans.fail(`has no finite ${name}`);
    else if (type === 'i' && value !== (value | 0)) spans.fail(`has ${name} ${value}, which is no int32`);
    else if (type === 'f' && !Number.isFinite(Math.fround(value))) spans.fail(`has ${name} ${value}, too large`);
  }
  const sizes = [op.inputHeight, op.inputWidth, op.outputHeight, op.outputWidth];
  if (sizes.some((size) => size < 1 || size > MAX_SIZE)) spans.fail(`has a size outside 1…${MAX_SIZE}`);
  if (op.inputChannels < 1 || op.outputChannels < 1) spans.fail('has no channels');
  const input = spans.tensor('input', op.input, op.inputHeight * op.inputWidth, op.inputChannels, op.inputStride);
  CHECKS[op.kind](op as never, spans, input);
}

const CHECKS: { readonly [K in OpKind]: (op: OpOf<K>, spans: Spans, input: Span) => void } = {
  'conv-first': checkConvFirst,
  conv: checkConv,
  depthwise: checkDepthwise,
  'dense-int4': checkDenseInt4,
  'max-pool': checkPool,
  'average-pool': checkAverage,
  copy: checkCopy,
  'depthwise-wide': checkDepthwise,
  'global-average': (op, spans, input) => {
    spans.require(op.inputHeight * op.inputWidth < 1 << 23, 'sums too many pixels');
    spans.require(pixels(op) === 1, 'makes more than one pixel');
    spans.sameChannels(op);
    spans.output(op, op.float, [input]);
  },
  lrn: (op, spans, input) => {
    spans.sameShape(op);
    spans.require(op.size >= 1 && op.size <= 4096, `has size ${op.size}`);
    spans.require(op.quarters >= 0 && op.quarters <= 64, `has quarters ${op.quarters}`);
    spans.byte('zero', op.zero);
    spans.output(op, 0, [input]);
  },
  add: (op, spans, input) => {
    spans.sameShape(op);
    spans.clamp(op);
    const other = spans.tensor('other', op.other, pixels(op), op.outputChannels, op.otherStride);
    spans.output(op, 0, [], [input, other]);
  },
  mul: (op, spans, input) => {
    spans.sameShape(op);
    spans.clamp(op);
    spans.flag('broadcast', op.broadcast);
    spans.byte('zero', op.zero);
    spans.byte('otherZero', op.otherZero);
    const other = spans.tensor('other', op.other, op.broadcast ? 1 : pixels(op), op.outputChannels, op.otherStride);
    if (op.broadcast) spans.output(op, 0, [other], [input]);
    else spans.output(op, 0, [], [input, other]);
  },
  lookup: (op, spans, input) => {
    spans.sameShape(op);
    spans.flag('perChannel', op.perChannel);
    spans.weights('table', op.table, 128 * (op.perChannel ? op.outputChannels : 1));
    spans.output(op, 0, [], [input]);
  },
};

const pixels = (op: Op): number => op.outputHeight * op.outputWidth;

function checkDenseInt4(op: OpOf<'dense-int4'>, spans: Spans, input: Span): void {
  spans.require(op.inputHeight * op.inputWidth === 1 && pixels(op) === 1, 'is no dense layer');
  spans.require(op.inputChannels <= 1 << 20, 'has too many inputs');
  spans.weights('weights', op.weights, denseInt4WeightsBytes(op));
  spans.weights('groupScales', op.groupScales, denseInt4ScalesBytes(op));
  spans.epilogue(op, [input]);
}
