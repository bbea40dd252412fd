import { type Spawn, ThreadPool } from '../../runtime/int8/threads.ts';

/** More of them gain little, and a phone has other things to do. */
const MOST_THREADS = 8;

/** A Web Worker as a thread. */
const spawn: Spawn = ({ onMessage, onEnd }) => {
  const worker = new Worker('/page/thread.js', { type: 'module' });
  worker.addEventListener('message', ({ data }) => onMessage(data));
  worker.addEventListener(
    'error',
    ({ message }) => {
      worker.terminate();
      onEnd(new Error(message || 'a thread has ended'));
    },
    { once: true },
  );
  return { post: (message) => worker.postMessage(message), end: () => worker.terminate() };
};

/** How many this device has use for; one where memory cannot be shared. */
export const threadsHere = (): number =>
  globalThis.crossOriginIsolated ? Math.min(MOST_THREADS, navigator.hardwareConcurrency) : 1;

/**
 * Threads for integer programs.
 * @param module a build of the kernels for a shared memory
 * @param mostBytes of all programs together
 */
export const browserThreads = (module: WebAssembly.Module, mostBytes: number): ThreadPool =>
  new ThreadPool({ spawn, threads: threadsHere(), module, mostBytes });
