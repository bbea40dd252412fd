import { denseInt4ScaleIndex, denseInt4WeightIndex, INT4_GROUP } from '../layout.ts';
import type { OpOf } from '../program.ts';
import type { ReferenceMemory } from './memory.ts';
import { store } from './requantize.ts';

const f = Math.fround;

/** One pixel times a matrix of 4-bit weights; each group of 32 inputs is an integer sum with a scale of its own. */
export function denseInt4(op: OpOf<'dense-int4'>, memory: ReferenceMemory): void {
  for (let n = 0; n < op.outputChannels; n++) {
    let acc = 0;
    for (let first = 0; first < op.inputChannels; first += INT4_GROUP) {
      let sum = 0;
      for (let k = first; k < Math.min(first + INT4_GROUP, op.inputChannels); k++) {
        const { byte, shift } = denseInt4WeightIndex(op, n, k);
        const weight = ((memory.weight(op.weights + byte) >> shift) & 15) - 8;
        sum += weight * memory.byte(op.input + k);
      }
      const scale = memory.weightHalf(op.groupScales, denseInt4ScaleIndex(op, n, first / INT4_GROUP));
      acc = f(acc + f(f(sum) * scale));
    }
    store(op, memory, 0, n, acc);
  }
}
