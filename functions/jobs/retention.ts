import { DAY_MS, KEPT_DAYS } from './job.ts';
import { objectsOf, picturesKey } from './pictures.ts';
import type { JobStore } from './store.ts';

/** Jobs in one call; the next one goes on. */
export const FORGOTTEN_AT_ONCE = 200;
/** An upload that began so long ago has ended, one way or another. */
const UPLOAD_MS = 3_600_000;
/** Each takes a listing of the bucket. */
export const UPLOADS_AT_ONCE = 20;

/** Deletes what is kept no longer, pictures before the rows that name them. @returns how many jobs */
export async function forgetOld({ database }: JobStore, bucket: R2Bucket): Promise<number> {
  const now = Date.now();
  const { results: jobs } = await database
    .prepare('SELECT id FROM jobs WHERE ended_at <= ? ORDER BY ended_at LIMIT ?')
    .bind(now - KEPT_DAYS * DAY_MS, FORGOTTEN_AT_ONCE)
    .all<{ id: string }>();
  const ids = JSON.stringify(jobs.map(({ id }) => id));
  const named = '(SELECT value FROM json_each(?1))';
  const { results: stored } = await database
    .prepare(`SELECT DISTINCT job FROM job_images WHERE hash IS NOT NULL AND job IN ${named}`)
    .bind(ids)
    .all<{ job: string }>();
  if (stored.length > 0) await bucket.delete(stored.map(({ job }) => picturesKey(job)));
  await database.batch([
    ...[
      `DELETE FROM delivery_attempts WHERE delivery IN (SELECT id FROM deliveries WHERE job IN ${named})`,
      `DELETE FROM deliveries WHERE job IN ${named}`,
      `DELETE FROM job_images WHERE job IN ${named}`,
      `DELETE FROM jobs WHERE id IN ${named}`,
    ].map((sql) => database.prepare(sql).bind(ids)),
    // Their addresses are kept no longer than the jobs that named them.
    database
      .prepare(
        `DELETE FROM endpoints WHERE failing_since <= ?
         AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.owner = endpoints.owner AND d.url = endpoints.url)`,
      )
      .bind(now - KEPT_DAYS * DAY_MS),
    database.prepare('DELETE FROM idempotency WHERE expires_at <= ?').bind(now),
  ]);
  return jobs.length;
}

/** Deletes pictures of jobs that never came to be: whoever accepted them was interrupted. @returns how many jobs */
export async function forgetInterrupted({ database }: JobStore, bucket: R2Bucket): Promise<number> {
  const { results } = await database
    .prepare('SELECT job FROM uploads WHERE began_at <= ? ORDER BY began_at LIMIT ?')
    .bind(Date.now() - UPLOAD_MS, UPLOADS_AT_ONCE)
    .all<{ job: string }>();
  for (const { job } of results) {
    const { objects } = await bucket.list({ prefix: objectsOf(job) });
    if (objects.length > 0) await bucket.delete(objects.map(({ key }) => key));
    await database.prepare('DELETE FROM uploads WHERE job = ?').bind(job).run();
  }
  return results.length;
}
