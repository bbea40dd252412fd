import type { OpOf } from '../program.ts';
import type { ReferenceMemory } from './memory.ts';
import { toByte } from './requantize.ts';

const f = Math.fround;

export function copy(op: OpOf<'copy'>, memory: ReferenceMemory): void {
  for (let y = 0; y < op.outputHeight; y++) {
    for (let x = 0; x < op.outputWidth; x++) {
      for (let c = 0; c < op.outputChannels; c++) {
        const inputY = y * op.strideY - op.padTop;
        const inputX = x * op.strideX - op.padLeft;
        const inputC = c * op.strideC - op.padChannel;
        const inside =
          inputY >= 0 &&
          inputY < op.inputHeight &&
          inputX >= 0 &&
          inputX < op.inputWidth &&
          inputC >= 0 &&
          inputC < op.inputChannels;
        const from = op.input + (inputY * op.inputWidth + inputX) * op.inputStride + inputC;
        const value = inside ? toByte(f(f(memory.byte(from) * f(op.scale)) + f(op.bias))) : op.fill;
        memory.setByte(op.output + (y * op.outputWidth + x) * op.outputStride + c, value);
      }
    }
  }
}
