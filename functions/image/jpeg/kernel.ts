import { INPUT, INPUT_BYTES } from './plan.ts';

/** What the module exports; see `assembly/index.ts`. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  beginScan(unitsAcross: number, components: number, restartInterval: number): void;
  sequentialUnits(row: number): number;
  scanUnits(row: number, kind: number, first: number, last: number, high: number, low: number): number;
  keptUnits(row: number): void;
  inputUsed(): number;
  beginRows(colour: number, plainInk: number, width: number, line: number): void;
  outputRow(y: number): number;
}

const PAGE = 65_536;

/** An instance of the module, and the file that it reads piece by piece. */
export class Kernel {
  readonly run: Exports;
  #file: Uint8Array = new Uint8Array();
  #position = 0;

  constructor(module: WebAssembly.Module) {
    const more = (used: number) => this.#more(used);
    this.run = new WebAssembly.Instance(module, { env: { more } }).exports as unknown as Exports;
  }

  get heldBytes(): number {
    return this.run.memory.buffer.byteLength;
  }

  /** @returns the memory, at least so large */
  grown(bytes: number): ArrayBufferLike {
    const { memory } = this.run;
    const missing = Math.ceil(bytes / PAGE) - memory.buffer.byteLength / PAGE;
    if (missing > 0) memory.grow(missing);
    return memory.buffer;
  }

  /** Reads `file` from `position` on. */
  open(file: Uint8Array, position: number): void {
    this.#file = file;
    this.#position = position;
  }

  /** Where in the file the entropy-coded data that was read ends, or a little before it does. */
  get position(): number {
    return this.#position + this.run.inputUsed();
  }

  close(): void {
    this.#file = new Uint8Array();
  }

  #more(used: number): number {
    this.#position += used;
    const piece = this.#file.subarray(this.#position, this.#position + INPUT_BYTES);
    new Uint8Array(this.run.memory.buffer, INPUT, piece.length).set(piece);
    return piece.length;
  }
}

/** Bytes of an instance whose plan ends at `bytes`. */
export const instanceBytes = (bytes: number): number => Math.ceil(bytes / PAGE) * PAGE;
