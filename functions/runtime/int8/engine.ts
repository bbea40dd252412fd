import { recordBytes, writeRecord } from './encoding.ts';
import { EXPORTS, type Kernel } from './kernels.ts';
import { roundUp } from './layout.ts';
import type { Op, Program } from './program.ts';
import { splitOp } from './split.ts';

const PAGE_BYTES = 65_536;

interface Plan {
  /** Of whole ops, and of the parts of those that are split. */
  readonly records: readonly number[];
  readonly parts: readonly (readonly { readonly at: number; readonly op: Op }[] | null)[];
  /** One for each thread. */
  readonly arenas: readonly number[];
  readonly pages: number;
}

/** Where things lie in the one memory: weights from 0, records of the ops, arenas. */
function plan(program: Program, threads: number): Plan {
  let at = roundUp(program.weightsBytes, 16);
  const place = ({ kind }: Op): number => {
    at += recordBytes(kind);
    return at - recordBytes(kind);
  };
  const records = program.ops.map(place);
  const split = program.ops.map((op) => splitOp(op, threads)?.map((part) => ({ at: place(part), op: part })) ?? null);
  const arena = roundUp(at, 64);
  const stride = roundUp(program.arenaBytes, 64);
  // Threads that share an image write to the first arena, and have their scratch each in its own.
  const parts = split.map(
    (some) => some?.map((part, thread) => ({ ...part, op: withScratch(part.op, thread * stride) })) ?? null,
  );
  const end = arena + (threads - 1) * stride + program.arenaBytes;
  const arenas = Array.from({ length: threads }, (_, thread) => arena + thread * stride);
  return { records, parts, arenas, pages: Math.ceil(end / PAGE_BYTES) };
}

const withScratch = (op: Op, bytes: number): Op => ('scratch' in op ? { ...op, scratch: op.scratch + bytes } : op);

/** Bytes of WebAssembly memory that a program takes while it is loaded. */
export const memoryBytes = (program: Program, threads = 1): number => plan(program, threads).pages * PAGE_BYTES;

/** What another thread needs to run a program in a memory that it shares: addresses. */
export interface ThreadPlan {
  readonly ops: readonly {
    /** Of the kernel. */
    readonly name: string;
    readonly record: number;
    /** Of the parts, one for each of the first threads; null where the first one does it all. */
    readonly parts: readonly number[] | null;
  }[];
  readonly arenas: readonly number[];
}

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
  readonly #arenas: readonly number[];
  #arenaAddress: number;
  #views: Views;
  /** For other threads that share the memory. */
  readonly threadPlan: ThreadPlan;

  /**
   * @param module a build of the kernels (`chooseKernels`)
   * @param where it goes; without, in a memory of its own
   * @param threads that will run it, with an arena each
   */
  constructor(module: WebAssembly.Module, program: Program, where?: Where, threads = 1) {
    const { records, parts, arenas, pages } = plan(program, threads);
    const memory = where?.memory ?? new WebAssembly.Memory({ initial: pages, maximum: pages });
    const at = where?.at ?? 0;
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    const view = new DataView(memory.buffer);
    program.ops.forEach((op, index) => {
      writeRecord(view, at + (records[index] ?? 0), op, at);
      for (const part of parts[index] ?? []) writeRecord(view, at + part.at, part.op, at);
    });
    this.program = program;
    this.bytes = pages * PAGE_BYTES;
    this.#memory = memory;
    this.#kernels = program.ops.map((op) => exports[EXPORTS[op.kind]] as Kernel);
    this.#records = records.map((record) => at + record);
    this.#weightsAddress = at;
    this.#arenas = arenas.map((arena) => at + arena);
    this.#arenaAddress = at + (arenas[0] ?? 0);
    this.threadPlan = {
      ops: program.ops.map(({ kind }, index) => ({
        name: EXPORTS[kind],
        record: at + (records[index] ?? 0),
        parts: parts[index]?.map((part) => at + part.at) ?? null,
      })),
      arenas: this.#arenas,
    };
    this.#views = this.#look();
    for (let thread = threads - 1; thread >= 0; thread--) {
      this.useArena(thread);
      this.arena.fill(0);
    }
  }

  /** From here on all is said of this thread's arena; the first one at the beginning. */
  useArena(thread: number): void {
    const address = this.#arenas[thread] ?? this.#arenaAddress;
    if (address === this.#arenaAddress) return;
    this.#arenaAddress = address;
    this.#views = this.#look();
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
