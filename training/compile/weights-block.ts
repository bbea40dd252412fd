import { perChannelCount } from '../../functions/runtime/int8/layout.ts';
import { OVERREAD_BYTES } from '../../functions/runtime/int8/program.ts';
import type { Block } from './emission.ts';

/** Every part begins at a multiple of this. */
const ALIGNMENT = 16;
/** The first bytes are unused, so that the offset 0 means "none". */
export const FIRST = 64;

/** The one block of weights of a program, as its parts are laid down in the order in which the ops read them. */
export class WeightsBlock implements Block {
  readonly #parts: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  #end = FIRST;

  add(make: () => Int8Array | Uint8Array | Uint16Array | Float32Array): number {
    const part = make();
    const offset = Math.ceil(this.#end / ALIGNMENT) * ALIGNMENT;
    this.#parts.push({ offset, bytes: new Uint8Array(part.buffer, part.byteOffset, part.byteLength) });
    this.#end = offset + part.byteLength;
    return offset;
  }

  /** Filled up with zeros as kernels read eight at a time. */
  addPerChannel(channels: number, value: (c: number) => number): number {
    const values = new Float32Array(perChannelCount(channels));
    for (let c = 0; c < channels; c++) values[c] = value(c);
    return this.add(() => values);
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const block = new Uint8Array(Math.ceil((this.#end + OVERREAD_BYTES) / ALIGNMENT) * ALIGNMENT);
    for (const { offset, bytes } of this.#parts) block.set(bytes, offset);
    return block;
  }
}

/** Stands in for a block where only the records of the ops are of interest. */
export const NO_BLOCK: Block = { add: () => 0, addPerChannel: () => 0 };
