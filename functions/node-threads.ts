import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { fileModules, sharedKernels } from './file-modules.ts';
import { chooseBuild } from './runtime/int8/kernels.ts';
import { type Spawn, ThreadPool } from './runtime/int8/threads.ts';

/** Of `node-thread.ts`, by `npm run build`. */
const FILE = path.join(import.meta.dirname, '../build/node-thread.mjs');

/** A thread of `worker_threads`. */
export const spawnInNode: Spawn = ({ onMessage, onEnd }) => {
  const worker = new Worker(FILE);
  let why: Error | undefined;
  worker.on('message', onMessage);
  worker.once('error', (error) => {
    why = error instanceof Error ? error : new Error(String(error));
  });
  worker.once('exit', (code) => onEnd(why ?? new Error(`a thread has ended with ${code}`)));
  return {
    post: (message) => worker.postMessage(message),
    end: () => void worker.terminate(),
  };
};

/**
 * Threads for integer programs.
 * @param mostBytes of all programs together
 * @returns undefined for one thread, and where threads or shared memory cannot be had: programs then run in this one
 */
export function nodeThreads(threads: number, mostBytes: number): ThreadPool | undefined {
  if (threads < 2) return undefined;
  try {
    return new ThreadPool({
      spawn: spawnInNode,
      threads,
      mostBytes,
      module: sharedKernels(chooseBuild(fileModules.int8)),
    });
  } catch {
    return undefined;
  }
}
