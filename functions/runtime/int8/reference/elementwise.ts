import type { OpOf } from '../program.ts';
import type { ReferenceMemory } from './memory.ts';
import { toByte } from './requantize.ts';

const f = Math.fround;

type Elementwise = OpOf<'add'> | OpOf<'mul'> | OpOf<'lookup'> | OpOf<'lrn'>;

/** Calls `value` for each channel of each pixel and stores the byte that it gives. */
function each(op: Elementwise, memory: ReferenceMemory, value: (pixel: number, c: number) => number): void {
  for (let pixel = 0; pixel < op.outputHeight * op.outputWidth; pixel++) {
    for (let c = 0; c < op.outputChannels; c++) {
      memory.setByte(op.output + pixel * op.outputStride + c, value(pixel, c));
    }
  }
}

export function add(op: OpOf<'add'>, memory: ReferenceMemory): void {
  each(op, memory, (pixel, c) => {
    const a = f(memory.byte(op.input + pixel * op.inputStride + c) * f(op.scale));
    const b = f(memory.byte(op.other + pixel * op.otherStride + c) * f(op.otherScale));
    return toByte(f(f(a + b) + f(op.bias)), op.low, op.high);
  });
}

export function mul(op: OpOf<'mul'>, memory: ReferenceMemory): void {
  each(op, memory, (pixel, c) => {
    const a = memory.byte(op.input + pixel * op.inputStride + c) - op.zero;
    const b = memory.byte(op.other + (op.broadcast ? 0 : pixel) * op.otherStride + c) - op.otherZero;
    return toByte(f(f(a * b * f(op.scale)) + f(op.bias)), op.low, op.high);
  });
}

export function lookup(op: OpOf<'lookup'>, memory: ReferenceMemory): void {
  each(op, memory, (pixel, c) => {
    const q = memory.byte(op.input + pixel * op.inputStride + c) & 127;
    return memory.weights[op.table + (op.perChannel ? c * 128 : 0) + q] ?? 0;
  });
}

/** x^(quarters / 4): whole powers one by one, then a square root, then a square root of that. */
function quarterPower(x: number, quarters: number): number {
  let power = 1;
  for (let whole = 0; whole < quarters >> 2; whole++) power = f(power * x);
  const root = f(Math.sqrt(x));
  if (quarters & 2) power = f(power * root);
  if (quarters & 1) power = f(power * f(Math.sqrt(root)));
  return power;
}

/** Local response normalization across channels (Krizhevsky et al. 2012, section 3.3). */
export function lrn(op: OpOf<'lrn'>, memory: ReferenceMemory): void {
  each(op, memory, (pixel, c) => {
    const at = (channel: number) => memory.byte(op.input + pixel * op.inputStride + channel) - op.zero;
    const first = Math.max(0, c - ((op.size - 1) >> 1));
    const last = Math.min(op.inputChannels - 1, c + (op.size >> 1));
    let sum = 0;
    for (let channel = first; channel <= last; channel++) sum += at(channel) ** 2;
    const base = f(f(op.k) + f(f(op.alpha) * f(sum)));
    return toByte(f(f(f(at(c) * f(op.multiplier)) / quarterPower(base, op.quarters)) + f(op.bias)));
  });
}
