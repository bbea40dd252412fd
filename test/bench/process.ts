import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { newestNode } from './newest-node.ts';
import { ONE_THREAD, type RunnerName } from './runner.ts';

/** Milliseconds of one run. */
export interface Figures {
  readonly cpuMs: number;
  readonly wallMs: number;
}

export interface Ready {
  /** From a started process with its JavaScript loaded to the first scores. */
  readonly coldMs: number;
  readonly memoryBytes: number;
  readonly v8: string;
}

/** A runner somewhere else, loaded and warm. */
export interface Started extends Ready {
  run(): Promise<Figures>;
  stop(): Promise<void>;
}

/** How many runs take about `ms` of CPU time: one figure, so that clock and request hardly count. It warms up meanwhile. */
export async function batchSize(measure: (runs: number) => Promise<Figures>, ms: number): Promise<number> {
  for (let runs = 1; ; runs *= 4) {
    const { cpuMs } = await measure(runs);
    if (cpuMs * runs >= ms / 4) return Math.max(1, Math.ceil(ms / (await measure(runs)).cpuMs));
  }
}

/** One runner in a Node process of its own. @param flags of V8 */
export async function startInNode(
  runner: RunnerName,
  folder: string,
  flags: readonly string[] = [],
  { threads, mode } = ONE_THREAD,
): Promise<Started> {
  const child = fork(path.join(import.meta.dirname, 'runner-process.ts'), [runner, folder, String(threads), mode], {
    execPath: newestNode(),
    execArgv: [...flags, '--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const answer = async <T>(): Promise<T> => {
    const over = new AbortController();
    const ended = once(child, 'exit', { signal: over.signal }).then(([code]) => {
      throw new Error(`the process of ${runner} ended with ${code}`);
    });
    const [message] = await Promise.race([once(child, 'message'), ended]);
    ended.catch(() => {});
    over.abort();
    return message as T;
  };
  const ready = await answer<Ready>();
  return {
    ...ready,
    async run() {
      child.send('run');
      return answer<Figures>();
    },
    async stop() {
      child.kill();
    },
  };
}
