import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Parallel, ReadFile, Runner, RunnerName } from './runner.ts';

const root = path.join(import.meta.dirname, '../..');
const compiled = (file: string) => new WebAssembly.Module(readFileSync(path.join(root, file)));

/**
 * Loads the JavaScript of a runner in Node; only that of the one that is asked for.
 * @returns what starts it: compiles, loads the network
 */
export async function runnerInNode(
  name: RunnerName,
  { threads, mode }: Parallel,
): Promise<(read: ReadFile) => Promise<Runner>> {
  if (name === 'int8' && threads > 1) {
    const { int8ThreadsRunner } = await import('./int8-threads-runner.ts');
    return (read) => int8ThreadsRunner(threads, mode, read);
  }
  switch (name) {
    case 'int8':
    case 'int8-baseline': {
      const { int8Runner } = await import('./int8-runner.ts');
      const { kernelsOf } = await import('./kernel-builds.ts');
      return (read) => int8Runner(kernelsOf(name === 'int8' ? '' : 'baseline'), read);
    }
    case 'tfjs-wasm': {
      const { tfjsRunner } = await import('./tfjs-runner.ts');
      const file = 'node_modules/@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm';
      return (read) => tfjsRunner(compiled(file), read);
    }
    case 'ort-web-f32':
    case 'ort-web-int8':
      return onnxruntimeWeb(name === 'ort-web-f32' ? 'f32' : 'int8', threads);
    case 'ort-node-f32':
    case 'ort-node-int8':
      return onnxruntimeNode(name === 'ort-node-f32' ? 'f32' : 'int8', threads);
    default:
      return name satisfies never;
  }
}

async function onnxruntimeWeb(form: 'f32' | 'int8', threads: number) {
  const { onnxruntimeRunner } = await import('./onnxruntime-runner.ts');
  const { watchMemories } = await import('./memories.ts');
  const ort = await import('onnxruntime-web');
  ort.env.wasm.numThreads = threads;
  return async (read: ReadFile) => {
    const memoryBytes = watchMemories();
    return { ...(await onnxruntimeRunner(ort, 'wasm', form, read, threads)), memoryBytes };
  };
}

/** Native memory cannot be asked for: the growth of the process stands for it. */
async function onnxruntimeNode(form: 'f32' | 'int8', threads: number) {
  const { onnxruntimeRunner } = await import('./onnxruntime-runner.ts');
  const ort = await import('onnxruntime-node');
  return async (read: ReadFile) => {
    const before = process.memoryUsage.rss();
    const runner = await onnxruntimeRunner(ort, 'cpu', form, read, threads);
    return { ...runner, memoryBytes: () => process.memoryUsage.rss() - before };
  };
}
