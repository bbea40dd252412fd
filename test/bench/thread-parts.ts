import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileModules } from '../../functions/file-modules.ts';
import { decodeProgram } from '../../functions/runtime/int8/encoding.ts';
import { Engine, memoryBytes } from '../../functions/runtime/int8/engine.ts';
import { chooseKernels, type Kernel } from '../../functions/runtime/int8/kernels.ts';
import { pixel } from './runner.ts';

/** Milliseconds, least of many runs. */
export interface Parts {
  /** Of all ops, whole. */
  readonly wholeMs: number;
  /** Of the slowest part of each op: what threads would take that meet at once. */
  readonly slowestMs: number;
  /** Of all parts: what is more than `wholeMs` is done twice. */
  readonly workMs: number;
}

/**
 * The parts of each op, one after the other in one thread: how well `splitOp` shares, also on a machine whose other
 * cores are busy.
 * @param folder of `prepareNetwork`
 */
export async function timeParts(folder: string, threads: number, rounds: number): Promise<Parts> {
  const read = (file: string) => readFile(path.join(folder, file));
  const program = decodeProgram(await read('program.bin'));
  const bytes = memoryBytes(program, threads);
  const pages = bytes / 65_536;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const module = chooseKernels(fileModules.int8);
  const engine = new Engine(module, program, { memory, at: 0, bytes }, threads);
  engine.weights.set(await read('weights.bin'));
  for (let index = 0; index < engine.input.length; index++) engine.input[index] = pixel(index);
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const { ops, arenas } = engine.threadPlan;
  const never = Number.POSITIVE_INFINITY;
  const least = ops.map(({ parts }) => ({ whole: never, parts: (parts ?? []).map(() => never) }));
  const timed = (kernel: Kernel, record: number): number => {
    const start = performance.now();
    kernel(record, arenas[0] ?? 0);
    return performance.now() - start;
  };
  for (let round = 0; round < rounds; round++) {
    for (const [index, { name, record, parts }] of ops.entries()) {
      const kernel = exports[name] as Kernel;
      const best = least[index];
      if (!best) continue;
      best.whole = Math.min(best.whole, timed(kernel, record));
      best.parts = (parts ?? []).map((part, at) => Math.min(best.parts[at] ?? never, timed(kernel, part)));
    }
  }
  const total = (of: (op: (typeof least)[number]) => number) => least.reduce((sum, op) => sum + of(op), 0);
  return {
    wholeMs: total(({ whole }) => whole),
    slowestMs: total(({ whole, parts }) => (parts.length > 0 ? Math.max(...parts) : whole)),
    workMs: total(({ whole, parts }) => (parts.length > 0 ? parts.reduce((sum, part) => sum + part) : whole)),
  };
}
