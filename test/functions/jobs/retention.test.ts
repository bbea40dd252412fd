import { expect, it } from 'vitest';
import { picturesKey } from '../../../functions/jobs/pictures.ts';
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
