import { expect, it } from 'vitest';
import { blobKey } from '../../../functions/jobs/orders.ts';
import { forgetInterrupted } from '../../../functions/jobs/retention.ts';
import { JobStore } from '../../../functions/jobs/store.ts';
import { emptyTables } from '../access/protected-service.ts';
import { bucket } from './job-service.ts';

const HOUR_MS = 3_600_000;

it('pictures whose job never came to be are deleted after an hour, and those of an upload at work are not', async () => {
  const database = await emptyTables();
  const store = new JobStore(database);
  for (const job of ['job_crashed', 'job_at_work']) {
    await store.beginUpload(job);
    for (const hash of ['one', 'two']) await bucket.put(blobKey(job, hash), 'bytes');
  }
  await bucket.put(blobKey('job_whole', 'one'), 'bytes');
  await database
    .prepare('UPDATE uploads SET began_at = began_at - ? WHERE job = ?')
    .bind(HOUR_MS + 1, 'job_crashed')
    .run();

  expect(await forgetInterrupted(store, bucket)).toBe(1);
  const { objects } = await bucket.list({ prefix: 'jobs/job_' });
  const left = objects.map(({ key }) => key);
  expect(left).not.toContain(blobKey('job_crashed', 'one'));
  expect(left).not.toContain(blobKey('job_crashed', 'two'));
  for (const key of [blobKey('job_at_work', 'one'), blobKey('job_at_work', 'two'), blobKey('job_whole', 'one')]) {
    expect(left).toContain(key);
  }
  expect((await database.prepare('SELECT job FROM uploads').all()).results).toEqual([{ job: 'job_at_work' }]);
  expect(await forgetInterrupted(store, bucket)).toBe(0);
});
