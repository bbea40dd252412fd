/**
 * `npm run start:node -- [--port 8788] [--host 0.0.0.0] [--threads 4]`: the application of `index.ts` as a Node server,
 * integer programs on as many threads as there are cores unless told otherwise. Requests at work are answered before
 * SIGTERM or SIGINT ends it.
 */
import type { Server } from 'node:http';
import { availableParallelism, totalmem } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { serve } from '@hono/node-server';
import { createApp } from './app.ts';
import { nodeHost } from './node-host.ts';

const root = path.join(import.meta.dirname, '..');
/** How long requests at work may take once the server is to end. */
const DRAIN_MS = 30_000;
/** What WebAssembly can address at most, one page less. */
const MOST_BYTES = 2 ** 32 - 65_536;

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8788' },
    host: { type: 'string', default: 'localhost' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
});
const port = wholeNumber('port', values.port, 0, 65_535);
const host = nodeHost({
  models: path.join(root, 'models'),
  threads: wholeNumber('threads', values.threads, 1, 256),
  memoryBytes: Math.min(MOST_BYTES, Math.floor(totalmem() / 2)),
  httpLoopback: process.env.HTTP_LOOPBACK === 'on',
});
const server = serve(
  { fetch: createApp(host).fetch, port, hostname: values.host, overrideGlobalObjects: false },
  (address) => console.log(`Ready on http://${values.host}:${address.port}`),
) as Server;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, drain);

/** No new connections; each that is idle is closed, as soon as it is. */
function drain(): void {
  const idle = setInterval(() => server.closeIdleConnections(), 100);
  const late = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  server.close(() => {
    clearInterval(idle);
    clearTimeout(late);
    process.exit(0);
  });
}

/** @throws a message and an end, for what is no number between */
function wholeNumber(name: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least && number <= most && text.trim() !== '') return number;
  console.error(`--${name} takes a whole number from ${least} to ${most}; it is "${text}"`);
  process.exit(2);
}
