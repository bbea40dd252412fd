import { Webhook } from 'standardwebhooks';
import { afterEach, expect, it, vi } from 'vitest';
import type { Job, WakeUp } from '../../../functions/jobs/job.ts';
import { JobStore } from '../../../functions/jobs/store.ts';
import { emptyTables } from '../access/protected-service.ts';
import { PNG } from '../routes/small-service.ts';
import { randomFrom } from '../runtime/int8/one-op.ts';
import { busyDatabase } from './busy-database.ts';
import { BROKEN, jobService, secret } from './job-service.ts';

const JOBS = 16;
const MINUTE_MS = 60_000;
/** With the five attempts that fall into ten minutes of silence it stays below the twelve after which a callback is given up. */
const MAX_REFUSALS = 5;

afterEach(() => vi.restoreAllMocks());

/** Who draws which number hangs on the order of answers: a seed makes runs differ, not repeat. */
function randomNumbers(seed: number) {
  const number = randomFrom(seed);
  return { number, one: (share: number) => number() < share, below: (n: number) => Math.floor(number() * n) };
}

it.each([1, 2])(
  'jobs survive a busy database, a queue and clocks that err, and receivers that fail (seed %i)',
  async (seed) => {
    const random = randomNumbers(seed);
    const counted = new Map<string, number>();
    const count = (what: string) => counted.set(what, (counted.get(what) ?? 0) + 1);

    // Time stands still but for what the loop below adds; two machines' clocks are up to 20 s apart.
    let clock = Date.now();
    const start = clock;
    vi.spyOn(Date, 'now').mockImplementation(() => clock + Math.round((random.number() - 0.5) * 20_000));

    const real = await emptyTables();
    let calm = false;
    const database = busyDatabase(real, () => {
      if (calm || !random.one(0.06)) return 'no';
      const fault = random.one(0.5) ? 'before' : 'after';
      count(`database busy ${fault} it wrote`);
      return fault;
    });

    const sent: WakeUp[] = [];
    const queue = {
      send: async (wakeUp: WakeUp) => {
        if (random.one(0.1)) {
          count('queue away');
          throw new Error('the queue is away');
        }
        sent.push(wakeUp);
      },
      sendBatch: async (messages: { body: WakeUp }[]) => void sent.push(...messages.map(({ body }) => body)),
    } as unknown as Queue<unknown>;

    const got = new Map<string, { ids: Set<string>; taken: number; refused: number }>();
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (_url, init) => {
      const headers = Object.fromEntries(new Headers(init?.headers));
      const { data } = new Webhook(secret).verify(String(init?.body), headers) as { data: Job };
      const one = got.get(data.id) ?? { ids: new Set(), taken: 0, refused: 0 };
      got.set(data.id, one);
      one.ids.add(headers['webhook-id'] ?? '');
      // Down for the second ten minutes, whatever comes.
      const isDown = clock - start > 10 * MINUTE_MS && clock - start < 20 * MINUTE_MS;
      const answers = ['taken', 'taken', '500', '429', '302', 'reset', 'cut'];
      const answer = isDown ? 'down' : answers[random.below(one.refused < MAX_REFUSALS ? answers.length : 2)];
      if (!isDown && answer !== 'taken') one.refused++;
      count(`receiver: ${answer}`);
      if (answer === 'down' || answer === 'reset') throw new TypeError('connection refused');
      if (answer === '429') return new Response(null, { status: 429, headers: { 'retry-after': '90' } });
      if (answer === '302')
        return new Response(null, { status: 302, headers: { location: 'https://elsewhere.example' } });
      if (answer === '500') return new Response(null, { status: 500 });
      one.taken++;
      // It took it, and the answer was lost on its way.
      if (answer === 'cut') throw new TypeError('connection reset');
      return new Response(null, { status: 204 });
    });

    const { app, jobs } = await jobService({ database, queue, log: () => {} });

    /** Sent again with its key until it is taken, as a client does. */
    async function order(n: number): Promise<string> {
      const images = [PNG, n % 3 === 0 ? BROKEN : PNG, PNG].map((image) => ({ image }));
      const body = JSON.stringify({ model: 'a', images, callback_url: 'http://127.0.0.1:9/' });
      const headers = { 'content-type': 'application/json', 'idempotency-key': `n${n}` };
      for (;;) {
        const answer = await app.request('/jobs', { method: 'POST', headers, body });
        if (answer.status === 202) return (await answer.json<Job>()).id;
        await answer.body?.cancel();
        count(`POST /jobs: ${answer.status}`);
        expect([409, 503]).toContain(answer.status);
        clock += 20_000;
      }
    }

    /** One to three messages from anywhere in the queue: some come twice, some never. */
    async function consume(): Promise<void> {
      const messages = Array.from({ length: Math.min(sent.length, 1 + random.below(3)) }, () => {
        const at = random.below(sent.length);
        const body = sent[at] as WakeUp;
        if (random.one(0.2)) count('message twice');
        else sent.splice(at, 1);
        return { body, attempts: 1, ack: () => {}, retry: () => void sent.push(body) };
      }).filter(() => !random.one(0.1) || void count('message lost'));
      await jobs.consume({ queue: 'jobs', messages } as unknown as MessageBatch);
    }

    const store = new JobStore(real);
    const ids: string[] = [];
    const open = async () => {
      const { results } = await real
        .prepare(
          `SELECT id, state FROM jobs WHERE ended_at IS NULL
         UNION ALL SELECT id, state FROM deliveries WHERE state <> 'delivered'`,
        )
        .all<{ id: string; state: string }>();
      return results;
    };
    const nextDue = async () => {
      const due = await real
        .prepare(
          `SELECT min(max(due_at, leased_until)) AS at FROM (
             SELECT due_at, leased_until FROM jobs WHERE ended_at IS NULL
             UNION ALL SELECT due_at, leased_until FROM deliveries WHERE state = 'pending')`,
        )
        .first<{ at: number | null }>();
      return due?.at ?? 0;
    };
    for (let step = 0; ids.length < JOBS || (await open()).length > 0; step++) {
      if (step > 1_000) throw new Error(`after ${step} steps: ${JSON.stringify(await open())}`);
      if (ids.length < JOBS && random.one(0.5)) ids.push(await order(ids.length));
      // Two consumers at once.
      await Promise.all([consume(), consume()]);
      if (random.one(0.05) && ids.length > 0) {
        const id = ids[random.below(ids.length)] ?? '';
        // What a consumer leaves that is killed while it works.
        if (await store.lease(id, `dead-${step}`)) count('consumer killed at work');
      }
      clock += random.below(15_000);
      if (sent.length === 0 || random.one(0.1)) {
        clock =
          Math.max(clock, sent.length === 0 && ids.length === JOBS ? await nextDue() : 0) + random.below(2 * MINUTE_MS);
        await jobs.sweep().catch(() => count('sweep broken off'));
      }
    }
    calm = true;

    for (const [what, n] of [...counted].sort()) console.log(`${String(n).padStart(6)}  ${what}`);
    console.log(`${JOBS} jobs, all done after ${((clock - start) / MINUTE_MS).toFixed(0)} minutes of their time`);
    expect(new Set(ids).size).toBe(JOBS);
    expect((await real.prepare('SELECT count(*) AS n FROM jobs').first<{ n: number }>())?.n).toBe(JOBS);
    for (const [n, id] of ids.entries()) {
      const job = await (await app.request(`/jobs/${id}`)).json<Job>();
      const second = n % 3 === 0 ? 'failed' : 'succeeded';
      expect(job.results.map(({ status }) => status)).toEqual(['succeeded', second, 'succeeded']);
      expect([job.status, job.deliveries.map(({ status }) => status)]).toEqual([
        n % 3 === 0 ? 'partial' : 'succeeded',
        ['delivered'],
      ]);
      expect([...(got.get(id)?.ids ?? [])]).toEqual([job.deliveries[0]?.id]);
      expect(got.get(id)?.taken).toBeGreaterThanOrEqual(1);
    }
    // Of 16 kinds of event most have come; a seed may leave out some.
    expect(counted.size).toBeGreaterThan(10);
  },
  120_000,
);
