import { ModelSpace } from '../../functions/catalogue/model-space.ts';
import { nodeThreads } from '../../functions/node-threads.ts';
import { decodeProgram } from '../../functions/runtime/int8/encoding.ts';
import { Engine, memoryBytes } from '../../functions/runtime/int8/engine.ts';
import type { Mode } from '../../functions/runtime/int8/threads.ts';
import { BenchError } from './networks.ts';
import { pixel, type ReadFile, type Runner } from './runner.ts';

const MOST_BYTES = 2 ** 30;

/** The engine on threads: one run is an image on all of them, or with `throughput` an image on each. */
export async function int8ThreadsRunner(threads: number, mode: Mode, read: ReadFile): Promise<Runner> {
  const pool = nodeThreads(threads, MOST_BYTES);
  if (!pool) throw new BenchError('there are no threads here');
  const program = decodeProgram(await read('program.bin'));
  const space = new ModelSpace(MOST_BYTES, pool.memory);
  const place = space.claim(memoryBytes(program, threads));
  const engine = new Engine(pool.module, program, { memory: space.grownTo(place), ...place }, threads);
  engine.weights.set(await read('weights.bin'));
  const loaded = pool.load(engine);
  const image = Uint8Array.from({ length: engine.input.length }, (_, index) => pixel(index));
  const before = (arena: number) => {
    engine.useArena(arena);
    engine.input.set(image);
  };
  const once = () => loaded.run(mode, before, () => {});
  return {
    async run() {
      if (mode === 'latency') await once();
      else await Promise.all(Array.from({ length: threads }, once));
    },
    memoryBytes: () => engine.bytes,
  };
}
