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

/**
 * A program in one memory of exactly the planned size. The program has passed `checkProgram` (`decodeProgram` does
 * it), so that running checks nothing and allocates nothing.
 */
export class Engine {
  readonly program: Program;
  readonly bytes: number;
  /** To be filled before the first run. */
  readonly weights: Uint8Array<ArrayBuffer>;
  readonly arena: Uint8Array<ArrayBuffer>;
  /** uint8 pixels [height, width, channels] of the next run. */
  readonly input: Uint8Array<ArrayBuffer>;
  /** float32 [classes] of the last run. */
  readonly output: Float32Array<ArrayBuffer>;
  readonly #kernels: readonly Kernel[];
  readonly #records: readonly number[];
  readonly #arenaAddress: number;

  /** @param module a build of the kernels (`chooseKernels`) */
  constructor(module: WebAssembly.Module, program: Program) {
    const { records, arena, pages } = plan(program);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    const buffer = memory.buffer as ArrayBuffer;
    const view = new DataView(buffer);
    program.ops.forEach((op, index) => {
      writeRecord(view, records[index] ?? 0, op);
    });
    const { input, output } = program;
    this.program = program;
    this.bytes = pages * PAGE_BYTES;
    this.weights = new Uint8Array(buffer, 0, program.weightsBytes);
    this.arena = new Uint8Array(buffer, arena, program.arenaBytes);
    this.input = this.arena.subarray(0, input.height * input.width * input.channels);
    this.output = new Float32Array(buffer, arena + output.offset, output.classes);
    this.#kernels = program.ops.map((op) => exports[EXPORTS[op.kind]] as Kernel);
    this.#records = records;
    this.#arenaAddress = arena;
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
