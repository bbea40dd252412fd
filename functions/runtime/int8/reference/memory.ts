import type { Program } from '../program.ts';

/** What a program runs on: plain bytes, read at any alignment, little-endian. */
export class ReferenceMemory {
  readonly weights: Uint8Array<ArrayBuffer>;
  readonly arena: Uint8Array<ArrayBuffer>;
  readonly #weightsView: DataView;
  readonly #arenaView: DataView;

  constructor(program: Program, weights: Uint8Array<ArrayBuffer>) {
    this.weights = weights;
    this.arena = new Uint8Array(program.arenaBytes);
    this.#weightsView = new DataView(weights.buffer, weights.byteOffset, weights.byteLength);
    this.#arenaView = new DataView(this.arena.buffer);
  }

  /** A byte of the arena. */
  byte(at: number): number {
    return this.#arenaView.getUint8(at);
  }

  setByte(at: number, value: number): void {
    this.#arenaView.setUint8(at, value);
  }

  setFloat(at: number, value: number): void {
    this.#arenaView.setFloat32(at, value, true);
  }

  /** int8 weight. */
  weight(at: number): number {
    return this.#weightsView.getInt8(at);
  }

  weightFloat(at: number, index: number): number {
    return this.#weightsView.getFloat32(at + index * 4, true);
  }

  /** Float16 without sign, infinity or NaN: exponent and fraction move into place, the bias differs by 112. */
  weightHalf(at: number, index: number): number {
    const bits = this.#weightsView.getUint16(at + index * 2, true) & 0x7fff;
    SCRATCH.setUint32(0, bits << 13);
    return Math.fround(SCRATCH.getFloat32(0) * 2 ** 112);
  }
}

const SCRATCH = new DataView(new ArrayBuffer(4));
