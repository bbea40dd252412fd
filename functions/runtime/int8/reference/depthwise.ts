import { depthwiseWeightIndex } from '../layout.ts';
import type { OpOf } from '../program.ts';
import type { ReferenceMemory } from './memory.ts';
import { store } from './requantize.ts';

/** Each channel by its own window of int8 weights. */
export function depthwise(op: OpOf<'depthwise'> | OpOf<'depthwise-wide'>, memory: ReferenceMemory): void {
  for (let y = 0; y < op.outputHeight; y++) {
    for (let x = 0; x < op.outputWidth; x++) {
      for (let c = 0; c < op.outputChannels; c++) {
        let acc = 0;
        for (let ky = 0; ky < op.kernelHeight; ky++) {
          for (let kx = 0; kx < op.kernelWidth; kx++) {
            const inputY = y * op.strideY - op.padTop + ky * op.dilationY;
            const inputX = x * op.strideX - op.padLeft + kx * op.dilationX;
            const inside = inputY >= 0 && inputY < op.inputHeight && inputX >= 0 && inputX < op.inputWidth;
            const at = op.input + (inputY * op.inputWidth + inputX) * op.inputStride + c;
            const weight = memory.weight(op.weights + depthwiseWeightIndex(op, ky * op.kernelWidth + kx, c));
            acc += (inside ? memory.byte(at) : op.padValue) * weight;
          }
        }
        store(op, memory, y * op.outputWidth + x, c, acc);
      }
    }
  }
}
