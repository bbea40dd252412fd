import { perChannelCount } from '../../functions/runtime/int8/layout.ts';
import { OVERREAD_BYTES } from '../../functions/runtime/int8/program.ts';
import type { Block } from './emission.ts';

/** Every part begins at a multiple of this. */
const ALIGNMENT = 16;
/** The first bytes are unused, so that the offset 0 means "none". */
export const FIRST = 64;

/** Lays down the parts of the one block of weights of a program in the order in which the ops read them, and makes none. */
export class CountedBlock implements Block {
  #end = FIRST;

  /** Of the whole block. */
  get length(): number {
    return Math.ceil((this.#end + OVERREAD_BYTES) / ALIGNMENT) * ALIGNMENT;
  }

  add(bytes: number, _part: Parameters<Block['add']>[1]): number {
    const offset = Math.ceil(this.#end / ALIGNMENT) * ALIGNMENT;
    this.#end = offset + bytes;
    return offset;
  }

  /** Filled up with zeros as kernels read eight at a time. */
  addPerChannel(channels: number, value: (c: number) => number): number {
    const count = perChannelCount(channels);
    return this.add(4 * count, () => {
      const values = new Float32Array(count);
      for (let c = 0; c < channels; c++) values[c] = value(c);
      return values;
    });
  }
}

/** The same block with its bytes. */
export class WeightsBlock extends CountedBlock {
  readonly #parts: { readonly offset: number; readonly bytes: Uint8Array }[] = [];

  override add(bytes: number, make: Parameters<Block['add']>[1]): number {
    const part = make();
    if (part.byteLength !== bytes) throw new Error(`a part of the weights has ${part.byteLength} bytes, not ${bytes}`);
    const offset = super.add(bytes, make);
    this.#parts.push({ offset, bytes: new Uint8Array(part.buffer, part.byteOffset, part.byteLength) });
    return offset;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const block = new Uint8Array(this.length);
    for (const { offset, bytes } of this.#parts) block.set(bytes, offset);
    return block;
  }
}

/** Stands in for a block where only the records of the ops are of interest. */
export const NO_BLOCK: Block = { add: () => 0, addPerChannel: () => 0 };
