import { expect, it } from 'vitest';
import type { WakeUp } from '../../../functions/jobs/job.ts';
import { emptyTables } from '../access/protected-service.ts';
import { jobService } from './job-service.ts';

const DAY_MS = 86_400_000;

async function swept() {
  const database = await emptyTables();
  const sent: WakeUp[] = [];
  const batches: number[] = [];
  const sendBatch = async (messages: { body: WakeUp }[]) => {
    batches.push(messages.length);
    sent.push(...messages.map(({ body }) => body));
  };
  const { jobs } = await jobService({ database, queue: { sendBatch } as unknown as Queue<unknown>, log: () => {} });
  const count = (sql: string) => database.prepare(sql).first<number>('n');
  return { database, jobs, sent, batches, count };
}

/** Rows `job_1` … `job_n`, all `ageMs` old. */
async function addJobs(database: D1Database, n: number, state: 'queued' | 'succeeded', ageMs: number): Promise<void> {
  await database
    .prepare(
      `WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?1)
       INSERT INTO jobs (id, owner, state, model, created_at, ended_at, due_at, woken_at)
       SELECT 'job_' || n, 'local', ?2, 'a', ?3, CASE ?2 WHEN 'succeeded' THEN ?3 END, ?3, ?3 FROM number`,
    )
    .bind(n, state, Date.now() - ageMs)
    .run();
}

it('one sweep wakes more than a hundred jobs, each once, in messages that a queue takes together', async () => {
  const { database, jobs, sent, batches } = await swept();
  await addJobs(database, 350, 'queued', 120_000);
  await jobs.sweep();
  expect(new Set(sent.map((wakeUp) => 'job' in wakeUp && wakeUp.job)).size).toBe(350);
  expect(sent).toHaveLength(350);
  expect(Math.max(...batches)).toBeLessThanOrEqual(100);
  await jobs.sweep();
  expect(sent).toHaveLength(350);
});

it('one sweep is bounded, and the next goes on where it ended', async () => {
  const { database, jobs, sent } = await swept();
  await addJobs(database, 2_100, 'queued', 120_000);
  await jobs.sweep();
  expect(sent).toHaveLength(2_000);
  await jobs.sweep();
  expect(new Set(sent.map((wakeUp) => 'job' in wakeUp && wakeUp.job)).size).toBe(2_100);
});

it('one sweep forgets all jobs that are old, and none that is not', async () => {
  const { database, jobs, count } = await swept();
  await addJobs(database, 650, 'succeeded', 8 * DAY_MS);
  await database
    .prepare(`UPDATE jobs SET ended_at = ended_at + ? WHERE id = 'job_7'`)
    .bind(2 * DAY_MS)
    .run();
  await jobs.sweep();
  expect(await count('SELECT count(*) AS n FROM jobs')).toBe(1);
  expect(await count(`SELECT count(*) AS n FROM jobs WHERE id = 'job_7'`)).toBe(1);
});
