import { convFirstWeightIndex, convWeightIndex } from '../layout.ts';
import type { OpOf } from '../program.ts';
import type { ReferenceMemory } from './memory.ts';
import { store } from './requantize.ts';

/** Cross-correlation of activations of 7 bits (8 in form 3) with int8 weights, exactly as written; forms differ in speed only. */
export function conv(op: OpOf<'conv'>, memory: ReferenceMemory): void {
  const inputs = op.inputChannels / op.groups;
  const outputs = op.outputChannels / op.groups;
  for (let y = 0; y < op.outputHeight; y++) {
    for (let x = 0; x < op.outputWidth; x++) {
      for (let c = 0; c < op.outputChannels; c++) {
        const group = Math.floor(c / outputs);
        let acc = 0;
        for (let ky = 0; ky < op.kernelHeight; ky++) {
          for (let kx = 0; kx < op.kernelWidth; kx++) {
            const inputY = y * op.strideY - op.padTop + ky * op.dilationY;
            const inputX = x * op.strideX - op.padLeft + kx * op.dilationX;
            const inside = inputY >= 0 && inputY < op.inputHeight && inputX >= 0 && inputX < op.inputWidth;
            const from = op.input + (inputY * op.inputWidth + inputX) * op.inputStride + group * inputs;
            for (let k = 0; k < inputs; k++) {
              const index = convWeightIndex(op, group, c % outputs, ky * op.kernelWidth + kx, k);
              acc += (inside ? memory.byte(from + k) : op.padValue) * memory.weight(op.weights + index);
            }
          }
        }
        store(op, memory, y * op.outputWidth + x, c, acc);
      }
    }
  }
}

/** The same on 8-bit pixels; each channel has its own value outside the image. */
export function convFirst(op: OpOf<'conv-first'>, memory: ReferenceMemory): void {
  for (let y = 0; y < op.outputHeight; y++) {
    for (let x = 0; x < op.outputWidth; x++) {
      for (let c = 0; c < op.outputChannels; c++) {
        let acc = 0;
        for (let ky = 0; ky < op.kernelHeight; ky++) {
          for (let kx = 0; kx < op.kernelWidth; kx++) {
            const inputY = y * op.strideY - op.padTop + ky;
            const inputX = x * op.strideX - op.padLeft + kx;
            const inside = inputY >= 0 && inputY < op.inputHeight && inputX >= 0 && inputX < op.inputWidth;
            const from = op.input + (inputY * op.inputWidth + inputX) * op.inputStride;
            for (let k = 0; k < op.inputChannels; k++) {
              const pixel = inside ? memory.byte(from + k) : (op.padValues >>> (8 * k)) & 255;
              acc += pixel * memory.weight(op.weights + convFirstWeightIndex(op, c, ky * op.kernelWidth + kx, k));
            }
          }
        }
        store(op, memory, y * op.outputWidth + x, c, acc);
      }
    }
  }
}
