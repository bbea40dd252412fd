import type { Op, OpKind, OpOf, Program } from '../program.ts';
import { conv, convFirst } from './conv.ts';
import { copy } from './copy.ts';
import { denseInt4 } from './dense.ts';
import { depthwise } from './depthwise.ts';
import { add, lookup, lrn, mul } from './elementwise.ts';
import { ReferenceMemory } from './memory.ts';
import { averagePool, globalAverage, maxPool } from './pool.ts';

/**
 * A program in plain TypeScript: the meaning of every op. Kernels give the same bits, thousands of times faster.
 */

const OPS: { readonly [K in OpKind]: (op: OpOf<K>, memory: ReferenceMemory) => void } = {
  'conv-first': convFirst,
  conv,
  depthwise,
  'dense-int4': denseInt4,
  'max-pool': maxPool,
  'average-pool': averagePool,
  'global-average': globalAverage,
  lrn,
  add,
  mul,
  lookup,
  copy,
  'depthwise-wide': depthwise,
};

export function runOp(op: Op, memory: ReferenceMemory): void {
  OPS[op.kind](op as never, memory);
}

/** The channels of an op's output, densely packed: uint8 or float32 values. */
export function outputOf(op: Op, arena: Uint8Array<ArrayBuffer>): Uint8Array | Float32Array {
  const pixels = op.outputHeight * op.outputWidth;
  if ('float' in op && op.float) {
    return new Float32Array(arena.slice(op.output, op.output + pixels * op.outputChannels * 4).buffer);
  }
  const values = new Uint8Array(pixels * op.outputChannels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const from = op.output + pixel * op.outputStride;
    values.set(arena.subarray(from, from + op.outputChannels), pixel * op.outputChannels);
  }
  return values;
}

/**
 * @param weights the block of weights, `program.weightsBytes` long
 * @param pixels uint8 [height, width, channels]
 * @param seen called after each op with a copy of its output
 * @returns float32 [classes]
 */
export function runReference(
  program: Program,
  weights: Uint8Array<ArrayBuffer>,
  pixels: Uint8Array,
  seen?: (op: Op, output: Uint8Array | Float32Array) => void,
): Float32Array {
  const memory = new ReferenceMemory(program, weights);
  memory.arena.set(pixels);
  for (const op of program.ops) {
    runOp(op, memory);
    seen?.(op, outputOf(op, memory.arena));
  }
  const { offset, classes } = program.output;
  return new Float32Array(memory.arena.slice(offset, offset + classes * 4).buffer);
}
