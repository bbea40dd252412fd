import { afterEach, expect, it, vi } from 'vitest';
import type { Job, WakeUp } from '../../../functions/jobs/job.ts';
import { emptyTables } from '../access/protected-service.ts';
import { PNG } from '../routes/small-service.ts';
import { jobService } from './job-service.ts';

afterEach(() => vi.restoreAllMocks());

/** Jobs that have ended, whose callbacks are due, and one that has not begun. */
async function waiting(callbacks: number) {
  const database = await emptyTables();
  const sent: WakeUp[] = [];
  const queue = { send: async (wakeUp: WakeUp) => void sent.push(wakeUp) } as unknown as Queue<unknown>;
  const lines: object[] = [];
  const { app, jobs } = await jobService({ database, queue, log: (line) => lines.push(line) });
  const order = async () => {
    const body = JSON.stringify({ model: 'a', images: [{ image: PNG }], callback_url: 'http://127.0.0.1:9/' });
    const answer = await app.request('/jobs', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    return (await answer.json<Job>()).id;
  };
  for (let i = 0; i < callbacks; i++) await order();
  for (const wakeUp of sent.splice(0)) await jobs.run(wakeUp);
  const last = await order();
  const get = async (id: string) => (await app.request(`/jobs/${id}`)).json<Job>();
  return { jobs, wakeUps: sent.splice(0), last, get, lines };
}

function batchOf(queue: string, bodies: readonly unknown[]) {
  const acked: unknown[] = [];
  const retried: unknown[] = [];
  const messages = bodies.map((body) => ({
    body,
    attempts: 1,
    ack: () => void acked.push(body),
    retry: () => void retried.push(body),
  }));
  return { batch: { queue, messages } as unknown as MessageBatch, acked, retried };
}

it('receivers that do not answer hold up neither the job behind them nor one another, four at once', async () => {
  const { jobs, wakeUps, last, get } = await waiting(6);
  const open: ((answer: Response) => void)[] = [];
  vi.spyOn(globalThis, 'fetch').mockImplementation(() => new Promise((resolve) => open.push(resolve)));
  const { batch, acked, retried } = batchOf('jobs', wakeUps);
  const consumed = jobs.consume(batch);
  await vi.waitFor(async () => expect((await get(last)).status).toBe('succeeded'), 5_000);
  await vi.waitFor(() => expect(open).toHaveLength(4), 5_000);
  expect(acked).toEqual([wakeUps.at(-1)]);
  for (let answered = 0; answered < 6; answered++) {
    await vi.waitFor(() => expect(open.length).toBeGreaterThan(answered), 5_000);
    open[answered]?.(new Response(null, { status: 204 }));
  }
  await consumed;
  expect(new Set(acked).size).toBe(7);
  expect(retried).toEqual([]);
}, 60_000);

it('a message that says nothing is let go; a dead letter is told of, and not done', async () => {
  const { jobs, wakeUps, last, get, lines } = await waiting(0);
  const nonsense = batchOf('jobs', [{ what: 1 }, null]);
  await jobs.consume(nonsense.batch);
  expect(nonsense.acked).toHaveLength(2);
  const dead = batchOf('jobs-dead', wakeUps);
  await jobs.consume(dead.batch);
  expect(dead.acked).toEqual(wakeUps);
  expect(lines).toContainEqual({ deadLetter: wakeUps[0] });
  expect((await get(last)).status).toBe('queued');
});
