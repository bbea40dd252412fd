import { recordBytes, writeRecord } from './encoding.ts';
import { EXPORTS, type Kernel } from './kernels.ts';
import { roundUp } from './layout.ts';
import type { Program } from './program.ts';

const PAGE_BYTES = 65_536;

/** Where things lie in the one memory: weights from 0, records of the ops, arena. */
function plan(program: Program): { records: number[]; arena: number; pages: number } {
  let at = roundUp(program.weightsBytes, 16);
  const records = program.ops.map((op) => {
    at += recordBytes(op.kind);
    return at - recordBytes(op.kind);
  });
  const arena = roundUp(at, 64);
  return { records, arena, pages: Math.ceil((arena + program.arenaBytes) / PAGE_BYTES) };
}

/** Bytes of WebAssembly memory that a program takes while it is loaded. */
export const memoryBytes = (program: Program): number => plan(program).pages * PAGE_BYTES;

/** A part of a memory, of `memoryBytes(program)` at least, whatever another program left in it. */
export interface Where {
  readonly memory: WebAssembly.Memory;
  /** Its first byte, at a page. */
  readonly at: number;
  readonly bytes: number;
}

interface Views {
  readonly buffer: ArrayBuffer;
  readonly weights: Uint8Array<ArrayBuffer>;
  readonly arena: Uint8Array<ArrayBuffer>;
  readonly input: Uint8Array<ArrayBuffer>;
  readonly output: Float32Array<ArrayBuffer>;
}

/**
 * A program in one memory, or in its part of one, of the planned size. The program has passed `checkProgram`
 * (`decodeProgram` does it), so that running checks nothing and allocates nothing.
 */
export class Engine {
  readonly program: Program;
  readonly bytes: number;
  readonly #memory: WebAssembly.Memory;
  readonly #kernels: readonly Kernel[];
  readonly #records: readonly number[];
  readonly #weightsAddress: number;
  readonly #arenaAddress: number;
  #views: Views;

  /**
   * @param module a build of the kernels (`chooseKernels`)
   * @param where it goes; without, in a memory of its own
   */
  constructor(module: WebAssembly.Module, program: Program, where?: Where) {
    const { records, arena, pages } = plan(program);
    const memory = where?.memory ?? new WebAssembly.Memory({ initial: pages, maximum: pages });
    const at = where?.at ?? 0;
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    const view = new DataView(memory.buffer);
    program.ops.forEach((op, index) => {
      writeRecord(view, at + (records[index] ?? 0), op, at);
    });
    this.program = program;
    this.bytes = pages * PAGE_BYTES;
    this.#memory = memory;
    this.#kernels = program.ops.map((op) => exports[EXPORTS[op.kind]] as Kernel);
    this.#records = records.map((record) => at + record);
    this.#weightsAddress = at;
    this.#arenaAddress = at + arena;
    this.#views = this.#look();
    this.arena.fill(0);
  }

  /** To be filled before the first run. */
  get weights(): Uint8Array<ArrayBuffer> {
    return this.#now.weights;
  }

  get arena(): Uint8Array<ArrayBuffer> {
    return this.#now.arena;
  }

  /** uint8 pixels [height, width, channels] of the next run. */
  get input(): Uint8Array<ArrayBuffer> {
    return this.#now.input;
  }

  /** float32 [classes] of the last run. */
  get output(): Float32Array<ArrayBuffer> {
    return this.#now.output;
  }

  /** A memory that is shared may have grown, and then it has another buffer. */
  get #now(): Views {
    if (this.#views.buffer !== this.#memory.buffer) this.#views = this.#look();
    return this.#views;
  }

  #look(): Views {
    const buffer = this.#memory.buffer as ArrayBuffer;
    const { input, output, arenaBytes, weightsBytes } = this.program;
    return {
      buffer,
      weights: new Uint8Array(buffer, this.#weightsAddress, weightsBytes),
      arena: new Uint8Array(buffer, this.#arenaAddress, arenaBytes),
      input: new Uint8Array(buffer, this.#arenaAddress, input.height * input.width * input.channels),
      output: new Float32Array(buffer, this.#arenaAddress + output.offset, output.classes),
    };
  }

  /** From `input` to `output`. */
  run(): void {
    for (let index = 0; index < this.#kernels.length; index++) this.runOp(index);
  }

  /** One op of the list, for profiles and comparisons; ops run in order. */
  runOp(index: number): void {
    this.#kernels[index]?.(this.#records[index] ?? 0, this.#arenaAddress);
  }
}
