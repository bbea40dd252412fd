/**
 * One runner in a process of its own, started by `process.ts`: loads a network, then runs it as often as it is told.
 * Speaks over Node's IPC: how it started, then milliseconds a run, of CPU time and of the clock.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import v8 from 'node:v8';
import { hasRelaxedSimd } from '../../functions/runtime/int8/kernels.ts';
import { batchSize, type Figures, type Ready } from './process.ts';
import type { Parallel, RunnerName } from './runner.ts';
import { runnerInNode } from './runners.ts';

// Node 20 has relaxed SIMD behind a flag, which NODE_OPTIONS refuses and later ones do not know.
if (!hasRelaxedSimd()) v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

const [name, folder = '', threads, mode] = process.argv.slice(2);
const load = await runnerInNode(name as RunnerName, { threads: Number(threads), mode } as Parallel);
const start = performance.now();
const runner = await load(async (file) => new Uint8Array(await readFile(path.join(folder, file))));
await runner.run();
const coldMs = performance.now() - start;
const batch = await batchSize(measure, 60);
process.send?.({ coldMs, memoryBytes: runner.memoryBytes(), v8: process.versions.v8 } satisfies Ready);

process.on('message', async () => {
  process.send?.(await measure(batch));
});

async function measure(runs: number): Promise<Figures> {
  const [cpu, clock] = [process.cpuUsage(), performance.now()];
  for (let run = 0; run < runs; run++) await runner.run();
  const wallMs = (performance.now() - clock) / runs;
  const { user, system } = process.cpuUsage(cpu);
  return { cpuMs: (user + system) / 1000 / runs, wallMs };
}
