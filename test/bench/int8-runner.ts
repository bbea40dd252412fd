import { decodeProgram } from '../../functions/runtime/int8/encoding.ts';
import { Engine } from '../../functions/runtime/int8/engine.ts';
import { pixel, type ReadFile, type Runner } from './runner.ts';

/** @param module a build of this project's kernels */
export async function int8Runner(module: WebAssembly.Module, read: ReadFile): Promise<Runner> {
  const engine = new Engine(module, decodeProgram(await read('program.bin')));
  engine.weights.set(await read('weights.bin'));
  for (let i = 0; i < engine.input.length; i++) engine.input[i] = pixel(i);
  return { run: () => engine.run(), memoryBytes: () => engine.bytes };
}
