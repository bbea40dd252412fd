import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Webhook } from 'standardwebhooks';
import { startService, webhookSecret } from '../e2e/service.ts';

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
const image = readFileSync(path.join(root, 'test/fixtures/fashion/9-0000.png')).toString('base64');
const broken = Buffer.from('not an image').toString('base64');

const FAULTS = ['500', '429', 'redirect', 'reset', 'slow', 'cut'] as const;
type Fault = (typeof FAULTS)[number] | 'none';
const KILLED = 'whole process killed';
const counted = new Map<string, number>();
const count = (what: string) => counted.set(what, (counted.get(what) ?? 0) + 1);

/** Jobs differ by their number, so that they end in every state: one in ten each fails, or is cancelled at once. */
const kindOf = (n: number) =>
  n % 10 === 3 ? 'broken' : n % 10 === 7 ? 'cancelled' : n % 3 === 0 ? 'partial' : 'whole';
const STATES = ['queued', 'running', 'succeeded', 'partial', 'failed', 'cancelled'];
/** Of so many jobs one has a picture at an address: what is at work at the kill is waiting for it. None in a short run. */
const FETCHED = JOBS < 200 ? 0 : 50;
const PICTURE_MS = 2_000;
let pictureAsked = () => {};
/** A short run meets each receiver's refusal once: the wait after the second is 30 s. */
const MAX_REFUSALS = JOBS < 100 ? 1 : 2;

interface Seen {
  readonly ids: Set<string>;
  /** What each callback said of the pictures: one thing only, where none is classified twice in effect. */
  readonly results: Set<string>;
  taken: number;
  attempts: number;
}
/** From the first callback after the restart on the receiver is away, whoever calls; the first wait is longer. */
const DOWN_MS = 2_000;
let downUntil: number | undefined = 0;
const seen = new Map<string, Seen>();
const wrong: string[] = [];

const receiver = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => receive(request, response, Buffer.concat(parts).toString()));
}).listen(0, '127.0.0.1');
await new Promise((resolve) => receiver.once('listening', resolve));
const callback = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;

/** Slowly before the kill. */
function givePicture(response: ServerResponse): void {
  pictureAsked();
  const give = () => response.writeHead(200, { 'content-type': 'image/png' }).end(Buffer.from(image, 'base64'));
  setTimeout(give, counted.has(KILLED) ? 0 : PICTURE_MS);
}

function receive(request: IncomingMessage, response: ServerResponse, body: string): void {
  if (request.url === '/picture.png') return void givePicture(response);
  if (request.url !== '/') wrong.push('a redirect was followed');
  let job = '';
  let results = '';
  try {
    const event = new Webhook(webhookSecret()).verify(body, request.headers as Record<string, string>);
    const { data } = event as { data: { id: string; results: unknown } };
    job = data.id;
    results = JSON.stringify(data.results);
  } catch (error) {
    wrong.push(`a callback does not verify: ${error}`);
  }
  const one = seen.get(job) ?? { ids: new Set(), results: new Set(), taken: 0, attempts: 0 };
  seen.set(job, one);
  one.ids.add(String(request.headers['webhook-id']));
  one.results.add(results);
  downUntil ??= Date.now() + DOWN_MS;
  if (Date.now() < downUntil) {
    one.attempts++;
    count('answered: nothing, down');
    return void request.socket.resetAndDestroy();
  }
  // The second wait is 30 s, the third two minutes: who fails three times would hold the run up.
  const fault: Fault = Math.random() < 0.4 / (one.attempts + 1) && one.attempts < MAX_REFUSALS ? pick() : 'none';
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
const start = () => startService(['--persist-to', state, '--log-level', 'warn']);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
let service = await start();
const ids: string[] = [];
const cancelled = new Set<string>();
const began = Date.now();

/** Sent again with its key until it is taken, as a client does whose connection breaks. */
async function order(n: number): Promise<void> {
  const kind = kindOf(n);
  const isBroken = (i: number) => kind === 'broken' || (kind === 'partial' && i === 1);
  const isFetched = (i: number) => FETCHED > 0 && n % FETCHED === 1 && i === 0;
  const images = Array.from({ length: IMAGES }, (_, i) =>
    isFetched(i) ? { url: `${callback}picture.png` } : { image: isBroken(i) ? broken : image },
  );
  const headers = { 'content-type': 'application/json', 'idempotency-key': `n${n}` };
  const body = JSON.stringify({ model: 'fashion-mlp', images, callback_url: callback });
  for (;;) {
    const answer = await fetch(`${service.base}/jobs`, { method: 'POST', headers, body }).catch(() => null);
    if (answer?.status === 202) {
      const { id } = (await answer.json()) as { id: string };
      if (kind === 'cancelled') await cancel(id);
      ids.push(id);
      return;
    }
    count(`POST /jobs: ${answer?.status ?? 'no answer'}`);
    await pause(1_000);
  }
}

/** One that has ended meanwhile (409) stays as it is, with its callback. */
async function cancel(id: string): Promise<void> {
  for (;;) {
    const answer = await fetch(`${service.base}/jobs/${id}`, { method: 'DELETE' }).catch(() => null);
    await answer?.body?.cancel();
    if (answer?.status === 200) cancelled.add(id);
    if (answer?.status === 200 || answer?.status === 409) return;
    await pause(1_000);
  }
}

/** Of all jobs that were ordered before a time. */
async function states(before: number): Promise<string[]> {
  const all: string[] = [];
  for (let cursor = ''; ; ) {
    const answer = await fetch(`${service.base}/jobs?limit=100${cursor}`);
    const { jobs, next } = (await answer.json()) as {
      jobs: { status: string; created_at: string }[];
      next: string | null;
    };
    for (const { status, created_at: created } of jobs) if (Date.parse(created) < before) all.push(status);
    if (next === null) return all;
    cursor = `&cursor=${next}`;
  }
}

let next = 0;
const clients = Array.from({ length: AT_ONCE }, async () => {
  while (next < JOBS) await order(next++);
});
while (ids.length < JOBS / 2) await pause(20);
// A job that waits for its picture is at work; there are some that have ended, and many that wait.
if (FETCHED > 0) await Promise.race([new Promise<void>((resolve) => (pictureAsked = resolve)), Promise.all(clients)]);
const killedAt = Date.now();
await service.kill();
count(KILLED);
downUntil = undefined;
service = await start();
// Their wake-ups are lost, what was at work stays leased, and a sweep takes up nothing that was woken within a minute.
const atTheKill = await states(killedAt);
for (const state of atTheKill) count(`at the kill: ${state}`);
const unseen = STATES.filter((state) => !atTheKill.includes(state));
if (JOBS >= 200 && unseen.length > 0) wrong.push(`no job was ${unseen.join(', or ')} at the kill`);
await Promise.all(clients);
const orderedMs = Date.now() - began;

const open = new Set(ids);
while (open.size > 0 && Date.now() - began < END_MS) {
  for (const id of open) {
    // To ask for each job all the time would be the most of what the service does.
    if (!cancelled.has(id) && !seen.get(id)?.taken) continue;
    const answer = await fetch(`${service.base}/jobs/${id}`).catch(() => null);
    if (!answer?.ok) continue;
    const job = (await answer.json()) as {
      status: string;
      results: { id: string; status: string }[];
      deliveries: { status: string }[];
    };
    if (!cancelled.has(id) && job.deliveries[0]?.status !== 'delivered') continue;
    open.delete(id);
    count(`job: ${job.status}`);
    if (job.results.length !== IMAGES || job.results.some(({ status }) => status === 'queued'))
      wrong.push(`${id}: results`);
    const said = [...(seen.get(id)?.results ?? [])];
    if (!cancelled.has(id) && (said.length !== 1 || said[0] !== JSON.stringify(job.results)))
      wrong.push(`${id}: ${said.length} kinds of callback, or other results than the job has`);
    if (cancelled.has(id) && (job.status !== 'cancelled' || job.deliveries.length > 0 || said.length > 0))
      wrong.push(`${id}: was cancelled, and is ${job.status}`);
  }
  await pause(1_000);
}
await service.stop();
receiver.close();
receiver.closeAllConnections();
rmSync(state, { recursive: true, force: true });

for (const id of open) wrong.push(`${id}: did not end, or was not delivered`);
if (new Set(ids).size !== JOBS) wrong.push(`${new Set(ids).size} jobs for ${JOBS} orders`);
for (const id of ids) if (!cancelled.has(id) && !seen.get(id)?.taken) wrong.push(`${id}: no callback was taken`);
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
