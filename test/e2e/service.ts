import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface Service {
  readonly base: string;
  /** What it has printed so far. */
  output(): string;
  stop(): Promise<void>;
}

/** Of `.dev.vars`: what `npm start` signs callbacks with. */
export const webhookSecret = (): string =>
  /^WEBHOOK_SECRET="?([^"\n]+)/m.exec(readFileSync(path.join(root, '.dev.vars'), 'utf8'))?.[1] ?? '';

const root = path.join(import.meta.dirname, '../..');
const START_MS = 60_000;

/**
 * Starts what `npm start` starts after its build, on a free port, and waits until it is ready.
 * @param more arguments of `wrangler dev`
 * @returns with `kill`, as a machine that goes down
 */
export async function startService(more: readonly string[] = []): Promise<Service & { kill(): Promise<void> }> {
  const port = await freePort();
  // Several start at once: each has tables of its own.
  const state = mkdtempSync(path.join(tmpdir(), 'service-'));
  const base = `http://localhost:${port}`;
  const child = spawn(
    process.execPath,
    [
      path.join(root, 'node_modules/tsx/dist/cli.mjs'),
      path.join(root, 'functions/deploy/start.ts'),
      '--port',
      String(port),
      '--inspector-port',
      String(await freePort()),
      '--show-interactive-dev-session=false',
      ...(more.includes('--persist-to') ? [] : ['--persist-to', state]),
      ...more,
    ],
    // A group of its own: wrangler starts workerd, and both have to go.
    { cwd: root, detached: true, env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: 'true' } },
  );
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk));
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null && child.pid) process.kill(-child.pid, signal);
    const killed = setTimeout(() => child.pid && process.kill(-child.pid, 'SIGKILL'), 5_000);
    await ended;
    clearTimeout(killed);
    rmSync(state, { recursive: true, force: true });
  };
  const stop = () => end('SIGTERM');
  for (const late = Date.now() + START_MS; Date.now() < late && child.exitCode === null; ) {
    const ready = await fetch(`${base}/health/ready`).catch(() => null);
    if (ready?.ok) return { base, output: () => printed, stop, kill: () => end('SIGKILL') };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await stop();
  throw new Error(`the service did not become ready:\n${printed}`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
