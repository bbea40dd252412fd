import type { OpOf } from '../program.ts';
import type { ReferenceMemory } from './memory.ts';
import { toByte } from './requantize.ts';

const f = Math.fround;

type Pool = OpOf<'max-pool'> | OpOf<'average-pool'>;

/** Values under the window of output (y, x), channel c; positions outside the map are left out. */
function windowOf(op: Pool, memory: ReferenceMemory, y: number, x: number, c: number): number[] {
  const values: number[] = [];
  for (let ky = 0; ky < op.kernelHeight; ky++) {
    for (let kx = 0; kx < op.kernelWidth; kx++) {
      const inputY = y * op.strideY - op.padTop + ky;
      const inputX = x * op.strideX - op.padLeft + kx;
      if (inputY < 0 || inputY >= op.inputHeight || inputX < 0 || inputX >= op.inputWidth) continue;
      values.push(memory.byte(op.input + (inputY * op.inputWidth + inputX) * op.inputStride + c));
    }
  }
  return values;
}

/** Calls `value` for each output and stores the byte that it gives. */
function each(op: Pool, memory: ReferenceMemory, value: (y: number, x: number, c: number) => number): void {
  for (let y = 0; y < op.outputHeight; y++) {
    for (let x = 0; x < op.outputWidth; x++) {
      for (let c = 0; c < op.outputChannels; c++) {
        memory.setByte(op.output + (y * op.outputWidth + x) * op.outputStride + c, value(y, x, c));
      }
    }
  }
}

export function maxPool(op: OpOf<'max-pool'>, memory: ReferenceMemory): void {
  each(op, memory, (y, x, c) => Math.max(...windowOf(op, memory, y, x, c)));
}

/** Positions of a window [start, start + kernel) inside the map with its pads. */
const padded = (start: number, kernel: number, padBefore: number, size: number, padAfter: number): number =>
  Math.min(start + kernel, size + padAfter) - Math.max(start, -padBefore);

export function averagePool(op: OpOf<'average-pool'>, memory: ReferenceMemory): void {
  each(op, memory, (y, x, c) => {
    const values = windowOf(op, memory, y, x, c);
    const rows = padded(y * op.strideY - op.padTop, op.kernelHeight, op.padTop, op.inputHeight, op.padBottom);
    const columns = padded(x * op.strideX - op.padLeft, op.kernelWidth, op.padLeft, op.inputWidth, op.padRight);
    const divisor = op.countPads ? rows * columns : values.length;
    const sum = values.reduce((total, value) => total + value - op.zero, 0);
    return toByte(f(f(f(sum) * f(f(op.multiplier) / divisor)) + f(op.bias)));
  });
}

export function globalAverage(op: OpOf<'global-average'>, memory: ReferenceMemory): void {
  for (let c = 0; c < op.outputChannels; c++) {
    let sum = 0;
    for (let pixel = 0; pixel < op.inputHeight * op.inputWidth; pixel++) {
      sum += memory.byte(op.input + pixel * op.inputStride + c);
    }
    const v = f(f(f(sum) * f(op.multiplier)) + f(op.bias));
    if (op.float) memory.setFloat(op.output + 4 * c, v);
    else memory.setByte(op.output + c, toByte(v));
  }
}
