import { z } from 'zod';
import type { Prediction } from '../classify/answer.ts';
import type { JobError, WakeUp } from './job.ts';
import type { Source } from './pictures.ts';

/** Nobody else works on a job while its lease holds; whoever works renews it. */
export const LEASE_MS = 90_000;
/** A wake-up that had no effect in this time is sent again. */
export const WAKE_AGAIN_MS = 60_000;
/** Jobs, and callbacks, that one call of `due` wakes. */
export const WOKEN_AT_ONCE = 100;

const leasedSchema = z.object({
  id: z.string(),
  owner: z.string(),
  model: z.string(),
  top_k: z.int().nullable(),
  attempts: z.int(),
});
const imageSchema = z
  .object({
    position: z.int(),
    url: z.string().nullable(),
    at: z.int().nullable(),
    bytes: z.int().nullable(),
    attempts: z.int(),
  })
  .transform(({ position, url, at, bytes, attempts }) => {
    const source: Source = url === null ? { url, at: at ?? 0, bytes: bytes ?? 0 } : { url };
    return { position, attempts, source };
  });
export type Leased = z.infer<typeof leasedSchema>;
export type ImageRow = z.infer<typeof imageSchema>;

/** What became of one picture; `again` leaves it queued. */
export type Outcome =
  | { readonly position: number; readonly state: 'succeeded'; readonly result: { predictions: Prediction[] } }
  | { readonly position: number; readonly state: 'failed'; readonly result: { error: JobError } }
  | { readonly position: number; readonly state: 'again' };

/** The rules of who may change what, each in the WHERE of its statement: the one writer of D1 makes them hold. */
export class JobStore {
  readonly database: D1Database;

  constructor(database: D1Database) {
    this.database = database;
  }

  /** Before the first picture is put into the bucket, so that it is found there should nothing come of the job. */
  async beginUpload(job: string): Promise<void> {
    await this.database.prepare('INSERT INTO uploads (job, began_at) VALUES (?, ?)').bind(job, Date.now()).run();
  }

  /** queued → running, or running whose lease is over. Of several at once one gets it. */
  async lease(id: string, lease: string): Promise<Leased | undefined> {
    const now = Date.now();
    const row = await this.database
      .prepare(
        `UPDATE jobs SET state = 'running', lease = ?2, leased_until = ?3, attempts = attempts + 1
         WHERE id = ?1 AND due_at <= ?4 AND (state = 'queued' OR (state = 'running' AND leased_until <= ?4))
         RETURNING id, owner, model, top_k, attempts`,
      )
      .bind(id, lease, now + LEASE_MS, now)
      .first();
    return row === null ? undefined : leasedSchema.parse(row);
  }

  async queuedImages(id: string): Promise<ImageRow[]> {
    const { results } = await this.database
      .prepare(
        `SELECT position, url, at, bytes, attempts FROM job_images WHERE job = ? AND state = 'queued' ORDER BY position`,
      )
      .bind(id)
      .all();
    return z.array(imageSchema).parse(results);
  }

  /** Writes outcomes and renews the lease. @returns whether it still held: if not, nothing was written */
  async write(id: string, lease: string, outcomes: readonly Outcome[]): Promise<boolean> {
    const [renewed] = await this.database.batch([
      this.database
        .prepare(
          `UPDATE jobs SET leased_until = ?3, attempts = CASE WHEN ?4 > 0 THEN 0 ELSE attempts END
           WHERE id = ?1 AND lease = ?2 AND state = 'running'`,
        )
        .bind(id, lease, Date.now() + LEASE_MS, outcomes.length),
      this.database
        .prepare(
          `UPDATE job_images SET state = CASE o.state WHEN 'again' THEN 'queued' ELSE o.state END,
             result = o.result, attempts = job_images.attempts + 1
           FROM (SELECT value ->> 'position' AS position, value ->> 'state' AS state, value -> 'result' AS result
                 FROM json_each(?3)) AS o
           WHERE job_images.job = ?1 AND job_images.position = o.position AND job_images.state = 'queued'
             AND EXISTS (SELECT 1 FROM jobs WHERE id = ?1 AND lease = ?2 AND state = 'running')`,
        )
        .bind(id, lease, JSON.stringify(outcomes)),
    ]);
    return (renewed?.meta.changes ?? 0) > 0;
  }

  /**
   * running → its end, where no picture is queued any more, with its callback in the same transaction; else → queued.
   * @returns the wake-ups that are now due
   */
  async settle(id: string, lease: string, delivery: string, dueAt: number): Promise<WakeUp | undefined> {
    const now = Date.now();
    const held = `id = ?1 AND lease = ?2 AND state = 'running'`;
    const queued = `EXISTS (SELECT 1 FROM job_images WHERE job = ?1 AND state = 'queued')`;
    const [called, , again] = await this.database.batch([
      this.database
        .prepare(
          `INSERT INTO deliveries (id, job, owner, url, state, due_at, woken_at)
           SELECT ?3, id, owner, callback_url,
             CASE WHEN EXISTS (SELECT 1 FROM endpoints e WHERE e.owner = jobs.owner AND e.url = callback_url AND off_at > 0)
               THEN 'failed' ELSE 'pending' END, ?4, ?4
           FROM jobs WHERE ${held} AND callback_url IS NOT NULL AND NOT ${queued} ON CONFLICT DO NOTHING RETURNING id`,
        )
        .bind(id, lease, delivery, now),
      this.database
        .prepare(
          `UPDATE jobs SET ended_at = ?3, lease = NULL, leased_until = 0, state =
             CASE WHEN NOT EXISTS (SELECT 1 FROM job_images WHERE job = ?1 AND state = 'failed') THEN 'succeeded'
               WHEN NOT EXISTS (SELECT 1 FROM job_images WHERE job = ?1 AND state = 'succeeded') THEN 'failed'
               ELSE 'partial' END
           WHERE ${held} AND NOT ${queued}`,
        )
        .bind(id, lease, now),
      this.database
        .prepare(
          `UPDATE jobs SET state = 'queued', lease = NULL, leased_until = 0, due_at = ?3, woken_at = ?4
           WHERE ${held} RETURNING id`,
        )
        .bind(id, lease, dueAt, now),
    ]);
    if (called?.results.length) return { delivery };
    return again?.results.length ? { job: id } : undefined;
  }

  /** queued, running → cancelled. @returns whether it was one of both */
  async cancel(id: string, owner: string): Promise<boolean> {
    const [job] = await this.database.batch([
      this.database
        .prepare(
          `UPDATE jobs SET state = 'cancelled', ended_at = ?3, lease = NULL, leased_until = 0
           WHERE id = ?1 AND owner = ?2 AND state IN ('queued', 'running')`,
        )
        .bind(id, owner, Date.now()),
      this.database
        .prepare(
          `UPDATE job_images SET state = 'cancelled' WHERE job = ?1 AND state = 'queued'
           AND EXISTS (SELECT 1 FROM jobs WHERE id = ?1 AND owner = ?2 AND state = 'cancelled')`,
        )
        .bind(id, owner),
    ]);
    return (job?.meta.changes ?? 0) > 0;
  }

  /** What is longest due and not at work, marked as woken: a message that was lost is sent again here. */
  async due(): Promise<WakeUp[]> {
    const now = Date.now();
    const wake = (table: string, state: string) =>
      this.database
        .prepare(
          `UPDATE ${table} SET woken_at = ?1 WHERE id IN (SELECT id FROM ${table}
             WHERE ${state} AND due_at <= ?1 AND leased_until <= ?1 AND max(woken_at, due_at) <= ?2 ORDER BY due_at LIMIT ${WOKEN_AT_ONCE})
           RETURNING id`,
        )
        .bind(now, now - WAKE_AGAIN_MS);
    const [jobs, deliveries] = await this.database.batch<{ id: string }>([
      wake('jobs', 'ended_at IS NULL'),
      wake('deliveries', `state = 'pending'`),
    ]);
    return [
      ...(jobs?.results ?? []).map(({ id }) => ({ job: id })),
      ...(deliveries?.results ?? []).map(({ id }) => ({ delivery: id })),
    ];
  }

  /** Hosts that the key of an owner may name; undefined for all. */
  async urlHostsOf(owner: string): Promise<readonly string[] | undefined> {
    const hosts = await this.database
      .prepare(`SELECT url_hosts FROM keys WHERE 'key:' || id = ?`)
      .bind(owner)
      .first<string | null>('url_hosts');
    return hosts ? z.array(z.string()).parse(JSON.parse(hosts)) : undefined;
  }
}
