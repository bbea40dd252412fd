import { execFile, spawn } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

export interface NodeService {
  readonly base: string;
  readonly pid: number;
  output(): string;
  /** @returns the exit code */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

const root = path.join(import.meta.dirname, '../..');
const START_MS = 30_000;

let built: Promise<unknown> | undefined;

/** What `npm run start:node` builds and starts, on a free port. @throws what it printed, where it ends instead */
export async function startNode(
  more: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<NodeService> {
  const tsx = path.join(root, 'node_modules/tsx/dist/cli.mjs');
  built ??= promisify(execFile)(process.execPath, [tsx, path.join(root, 'functions/deploy/build.ts'), '--node']);
  await built;
  const args = ['--import', 'tsx', path.join(root, 'functions/node.ts'), '--port', '0', ...more];
  const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, ...env } });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk));
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  for (const late = Date.now() + START_MS; Date.now() < late && child.exitCode === null; ) {
    const port = /^Ready on http:\/\/\S+:(\d+)$/m.exec(printed)?.[1];
    if (port !== undefined) {
      return {
        base: `http://localhost:${port}`,
        pid: child.pid ?? 0,
        output: () => printed,
        end(signal) {
          child.kill(signal);
          return ended;
        },
      };
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill('SIGKILL');
  throw new Error(`the Node server did not start:\n${printed}`);
}
