import type { Embedding } from '../classifier.ts';
import type { Engine } from './engine.ts';
import type { Op, OpOf, Program } from './program.ts';

/** The dense layer that a network ends in: what it reads is the network's own description of a picture. */
export interface Head {
  /** Place of the layer in the list of ops. */
  readonly at: number;
  readonly dense: OpOf<'conv'> | OpOf<'dense-int4'>;
  /** Byte that stands for 0. */
  readonly zero: number;
}

/**
 * The last dense layer of a program, where it reads a vector that other layers made, without foreign bytes between; else
 * null. The vector needs no place of its own in the memory plan: it is whole when the layer that reads it runs.
 */
export function headOf({ ops, output }: Program): Head | null {
  const at = ops.length - 1;
  const dense = ops[at];
  if (dense?.output !== output.offset || (dense.kind !== 'conv' && dense.kind !== 'dense-int4')) return null;
  if (dense.inputHeight * dense.inputWidth !== 1 || dense.residual !== -1) return null;
  if (dense.kind === 'conv' && dense.kernelHeight * dense.kernelWidth * dense.groups !== 1) return null;
  if (!isMade(ops.slice(0, at), dense.input, dense.inputChannels)) return null;
  // Layers in 4 bits do not say it; they are those that stand behind a ReLU.
  return { at, dense, zero: dense.kind === 'conv' ? dense.padValue : 0 };
}

/** Whether the last ops that write into these bytes write them all, and nothing else. */
function isMade(ops: readonly Op[], from: number, bytes: number): boolean {
  const made = new Uint8Array(bytes);
  let missing = bytes;
  for (const op of ops.toReversed()) {
    if (missing === 0) break;
    const pixels = op.outputHeight * op.outputWidth;
    const length = (pixels - 1) * op.outputStride + op.outputChannels;
    const start = op.output - from;
    if (start + length <= 0 || start >= bytes) continue;
    const packed = pixels === 1 || op.outputStride === op.outputChannels;
    if (!packed || start < 0 || start + length > bytes || isFloat(op)) return false;
    for (let i = start; i < start + length; i++) {
      if (made[i] === 0) missing--;
      made[i] = 1;
    }
  }
  return missing === 0;
}

const isFloat = (op: Op): boolean => 'float' in op && op.float === 1;

/**
 * One run, and what the last dense layer read, in steps of its grid: whole numbers, the same in every build of the
 * kernels.
 * @param pixels uint8 `[height, width, channels]`
 */
export function embed(engine: Engine, { at, dense, zero }: Head, pixels: Uint8Array): Embedding {
  engine.input.set(pixels);
  for (let index = 0; index < at; index++) engine.runOp(index);
  const read = engine.arena.subarray(dense.input, dense.input + dense.inputChannels);
  const values = Float32Array.from(read, (q) => q - zero);
  engine.runOp(at);
  return { values, scores: engine.output.slice() };
}
