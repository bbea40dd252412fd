import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Webhook } from 'standardwebhooks';

/**
 * `npm run test:faults [-- JOBS]`: jobs through what `npm start` starts, to a receiver that fails in every way, while the
 * whole process is killed in the middle. Ends with 1 where a job or a callback is lost, or counted twice.
 */
const JOBS = Number(process.argv[2] ?? 1000);
const AT_ONCE = 8;
const IMAGES = 4;
const END_MS = 9 * 60_000;
const root = path.join(import.meta.dirname, '../..');
const state = mkdtempSync(path.join(tmpdir(), 'faults-'));
const port = 20_000 + Math.floor(Math.random() * 10_000);
const base = `http://localhost:${port}`;
const image = readFileSync(path.join(root, 'test/fixtures/fashion/9-0000.png')).toString('base64');
const broken = Buffer.from('not an image').toString('base64');

const FAULTS = ['500', '429', 'redirect', 'reset', 'slow', 'cut'] as const;
type Fault = (typeof FAULTS)[number] | 'none';
const counted = new Map<string, number>();
const count = (what: string) => counted.set(what, (counted.get(what) ?? 0) + 1);

interface Seen {
  readonly ids: Set<string>;
  taken: number;
  attempts: number;
}
/** After the restart the receiver is away for a while, whoever calls. */
const DOWN_MS = 3_000;
let downUntil = 0;
const seen = new Map<string, Seen>();
const wrong: string[] = [];

const receiver = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => receive(request, response, Buffer.concat(parts).toString()));
}).listen(0, '127.0.0.1');
await new Promise((resolve) => receiver.once('listening', resolve));
const callback = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;

function receive(request: IncomingMessage, response: ServerResponse, body: string): void {
  if (request.url !== '/') wrong.push('a redirect was followed');
  let job = '';
  try {
    const event = new Webhook(secret()).verify(body, request.headers as Record<string, string>);
    job = (event as { data: { id: string } }).data.id;
  } catch (error) {
    wrong.push(`a callback does not verify: ${error}`);
  }
  const one = seen.get(job) ?? { ids: new Set(), taken: 0, attempts: 0 };
  seen.set(job, one);
  one.ids.add(String(request.headers['webhook-id']));
  if (Date.now() < downUntil) {
    count('answered: nothing, down');
    return void request.socket.resetAndDestroy();
  }
  // The second wait is 30 s, the third two minutes: who fails three times would hold the run up.
  const fault: Fault = Math.random() < 0.4 / (one.attempts + 1) && one.attempts < 2 ? pick() : 'none';
  one.attempts++;
  count(`answered: ${fault}`);
  if (fault === 'reset') return void request.socket.resetAndDestroy();
  if (fault === 'cut') return void request.socket.end('HTTP/1.1 200 O');
  if (fault === 'slow') return void setTimeout(() => take(one, response), 1_000 + 2_000 * Math.random());
  if (fault === 'redirect') return void response.writeHead(307, { location: `${callback}elsewhere` }).end();
  if (fault === '429') return void response.writeHead(429, { 'retry-after': '2' }).end();
  if (fault === '500') return void response.writeHead(500).end();
  take(one, response);
}

function take(one: Seen, response: ServerResponse): void {
  one.taken++;
  response.writeHead(204).end();
}

const pick = () => FAULTS[Math.floor(Math.random() * FAULTS.length)] ?? '500';
const secret = () => /^WEBHOOK_SECRET="?([^"\n]+)/m.exec(readFileSync(path.join(root, '.dev.vars'), 'utf8'))?.[1] ?? '';

async function start(): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    [
      path.join(root, 'node_modules/tsx/dist/cli.mjs'),
      path.join(root, 'functions/deploy/start.ts'),
      ...['--port', String(port), '--inspector-port', String(port + 10_000), '--persist-to', state],
      ...['--show-interactive-dev-session=false', '--log-level', 'warn'],
    ],
    { cwd: root, detached: true, stdio: 'ignore', env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: 'true' } },
  );
  for (const end = Date.now() + 60_000; Date.now() < end; await pause(200)) {
    const ready = await fetch(`${base}/health/ready`).catch(() => null);
    if (ready?.ok) return child;
  }
  throw new Error('the service did not become ready');
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const kill = async (child: ChildProcess, signal: NodeJS.Signals) => {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  if (child.pid) process.kill(-child.pid, signal);
  await ended;
};

let service = await start();
const ids: string[] = [];
const began = Date.now();

/** Sent again with its key until it is taken, as a client does whose connection breaks. */
async function order(n: number): Promise<void> {
  const images = Array.from({ length: IMAGES }, (_, i) => ({ image: i === 1 && n % 3 === 0 ? broken : image }));
  const headers = { 'content-type': 'application/json', 'idempotency-key': `n${n}` };
  const body = JSON.stringify({ model: 'fashion-mlp', images, callback_url: callback });
  for (;;) {
    const answer = await fetch(`${base}/jobs`, { method: 'POST', headers, body }).catch(() => null);
    if (answer?.status === 202) {
      ids.push(((await answer.json()) as { id: string }).id);
      return;
    }
    count(`POST /jobs: ${answer?.status ?? 'no answer'}`);
    await pause(1_000);
  }
}

/** Of the jobs that were ordered last. */
async function states(): Promise<string[]> {
  const answer = await fetch(`${base}/jobs?limit=100`);
  const { jobs } = (await answer.json()) as { jobs: { status: string }[] };
  return jobs.map(({ status }) => status);
}

let next = 0;
const clients = Array.from({ length: AT_ONCE }, async () => {
  while (next < JOBS) await order(next++);
});
while (ids.length < JOBS / 2) await pause(20);
for (const state of await states()) count(`at the kill: ${state}`);
await kill(service, 'SIGKILL');
count('whole process killed');
downUntil = Date.now() + DOWN_MS;
service = await start();
await Promise.all(clients);
const orderedMs = Date.now() - began;

const open = new Set(ids);
while (open.size > 0 && Date.now() - began < END_MS) {
  for (const id of open) {
    const answer = await fetch(`${base}/jobs/${id}`).catch(() => null);
    if (!answer?.ok) continue;
    const job = (await answer.json()) as {
      status: string;
      results: { status: string }[];
      deliveries: { status: string }[];
    };
    if (job.deliveries[0]?.status !== 'delivered') continue;
    open.delete(id);
    count(`job: ${job.status}`);
    if (job.results.length !== IMAGES || job.results.some(({ status }) => status === 'queued'))
      wrong.push(`${id}: results`);
  }
  await pause(1_000);
}
await kill(service, 'SIGTERM');
receiver.close();
receiver.closeAllConnections();
if (existsSync(state)) rmSync(state, { recursive: true, force: true });

for (const id of open) wrong.push(`${id}: did not end, or was not delivered`);
if (new Set(ids).size !== JOBS) wrong.push(`${new Set(ids).size} jobs for ${JOBS} orders`);
for (const id of ids) if (!seen.get(id)?.taken) wrong.push(`${id}: no callback was taken`);
for (const [id, { ids: webhookIds }] of seen)
  if (webhookIds.size !== 1) wrong.push(`${id}: ${webhookIds.size} webhook-ids`);
const twice = [...seen.values()].filter(({ taken }) => taken > 1).length;
for (const [what, n] of [...counted].sort()) console.log(`${String(n).padStart(6)}  ${what}`);
console.log(`${String(twice).padStart(6)}  callbacks taken more than once, with one id`);
console.log(
  `${JOBS} jobs, ordered in ${(orderedMs / 1000).toFixed(0)} s, all done after ${((Date.now() - began) / 1000).toFixed(0)} s`,
);
console.log(wrong.length === 0 ? 'nothing lost' : `WRONG:\n${wrong.slice(0, 20).join('\n')}`);
process.exit(wrong.length === 0 ? 0 : 1);
