import { expect, it } from 'vitest';
import { picturesKey } from '../../../functions/jobs/pictures.ts';
import { forgetInterrupted, forgetOld } from '../../../functions/jobs/retention.ts';
import { JobStore } from '../../../functions/jobs/store.ts';
import { emptyTables } from '../access/protected-service.ts';
import { bucket } from './job-service.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

it('pictures whose job never came to be are deleted after an hour, and those of an upload at work are not', async () => {
  const database = await emptyTables();
  const store = new JobStore(database);
  for (const job of ['job_crashed', 'job_at_work']) {
    await store.beginUpload(job);
    await bucket.put(picturesKey(job), 'bytes');
  }
  await bucket.put(picturesKey('job_whole'), 'bytes');
  await database
    .prepare('UPDATE uploads SET began_at = began_at - ? WHERE job = ?')
    .bind(HOUR_MS + 1, 'job_crashed')
    .run();

  expect(await forgetInterrupted(store, bucket)).toBe(1);
  const { objects } = await bucket.list({ prefix: 'jobs/job_' });
  const left = objects.map(({ key }) => key);
  expect(left).not.toContain(picturesKey('job_crashed'));
  for (const job of ['job_at_work', 'job_whole']) expect(left).toContain(picturesKey(job));
  expect((await database.prepare('SELECT job FROM uploads').all()).results).toEqual([{ job: 'job_at_work' }]);
  expect(await forgetInterrupted(store, bucket)).toBe(0);
});

it('an endpoint that fails is forgotten with the last job that named it', async () => {
  const database = await emptyTables();
  const ended = { old: Date.now() - 8 * DAY_MS, young: Date.now() - DAY_MS };
  for (const [job, url, at] of [
    ['job_1', 'https://gone.example/', ended.old],
    ['job_2', 'https://named.example/', ended.old],
    ['job_3', 'https://named.example/', ended.young],
  ] as const) {
    await database.batch([
      database
        .prepare(
          `INSERT INTO jobs (id, owner, state, model, callback_url, created_at, ended_at, due_at, woken_at)
           VALUES (?1, 'me', 'failed', 'a', ?2, ?3, ?3, ?3, ?3)`,
        )
        .bind(job, url, at),
      database
        .prepare(
          `INSERT INTO deliveries (id, job, owner, url, state, due_at, woken_at) VALUES ('msg_' || ?1, ?1, 'me', ?2, 'failed', ?3, ?3)`,
        )
        .bind(job, url, at),
      database
        .prepare(
          `INSERT INTO endpoints (owner, url, failing_since, off_at) VALUES ('me', ?, ?, ?) ON CONFLICT DO NOTHING`,
        )
        .bind(url, at, at),
    ]);
  }
  expect(await forgetOld(new JobStore(database), bucket)).toBe(2);
  const { results } = await database.prepare('SELECT url FROM endpoints').all();
  expect(results).toEqual([{ url: 'https://named.example/' }]);
});
