/**
 * One runner in a process of its own, started by `process.ts`: loads a network, then runs it as often as it is told.
 * Speaks over Node's IPC: how it started, then the CPU milliseconds of each run.
 */
import v8 from 'node:v8';
import { RUNNERS, type RunnerName } from './runners.ts';

// Node 20 has relaxed SIMD behind a flag that NODE_OPTIONS refuses; later ones ignore it.
v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

const [name, model] = process.argv.slice(2);
const start = performance.now();
const runner = await RUNNERS[name as RunnerName](JSON.parse(model ?? ''));
runner.run();
const coldMs = performance.now() - start;
process.send?.({ coldMs, memoryBytes: runner.memoryBytes(), v8: process.versions.v8 });

process.on('message', ({ runs }: { runs: number }) => {
  const times = Array.from({ length: runs }, () => {
    const before = process.cpuUsage();
    runner.run();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  process.send?.({ times });
});
