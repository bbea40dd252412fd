import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { deliver } from '../../../functions/jobs/deliveries.ts';
import type { Job } from '../../../functions/jobs/job.ts';
import { JobStore } from '../../../functions/jobs/store.ts';
import { makeSigningSecret, parseSigningSecret } from '../../../functions/webhooks/sign.ts';
import { emptyTables } from '../access/protected-service.ts';

const ENDED = '2026-01-01T00:00:00.000Z';
const job: Job = {
  id: 'job_1',
  status: 'succeeded',
  model: 'a',
  created_at: ENDED,
  ended_at: ENDED,
  counts: { total: 0, succeeded: 0, failed: 0 },
  results: [],
  deliveries: [],
};

let database: D1Database;
beforeEach(async () => {
  database = await emptyTables();
  await database
    .prepare(
      `INSERT INTO deliveries (id, job, owner, url, state, due_at, woken_at)
       VALUES ('msg_1', 'job_1', 'nobody', 'http://127.0.0.1:9/', 'pending', 0, 0)`,
    )
    .run();
});
afterEach(() => vi.restoreAllMocks());

const parts = (jobOf: () => Promise<{ job: Job; origin: null }>) => ({
  store: new JobStore(database),
  rulesOf: async () => ({ allowHttpLoopback: true }),
  signingSecretsOf: async () => [parseSigningSecret(makeSigningSecret('hmac'))],
  jobOf,
  log: () => {},
});
const rows = async (table: string) => (await database.prepare(`SELECT * FROM ${table}`).all()).results;

it('a database that is away is no attempt, and is not held against the endpoint', async () => {
  const answer = vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response(null, { status: 204 }));
  const away = parts(async () => {
    throw new Error('D1_ERROR: Network connection lost.');
  });
  await expect(deliver('msg_1', away)).rejects.toThrow(/^D1_ERROR/);
  expect(answer).not.toHaveBeenCalled();
  expect(await rows('delivery_attempts')).toEqual([]);
  expect(await rows('endpoints')).toEqual([]);
  expect(await rows('deliveries')).toMatchObject([{ state: 'pending', attempts: 0 }]);

  await database.prepare('UPDATE deliveries SET leased_until = 0').run();
  await deliver(
    'msg_1',
    parts(async () => ({ job, origin: null })),
  );
  expect(answer).toHaveBeenCalledOnce();
  expect(await rows('deliveries')).toMatchObject([{ state: 'delivered', attempts: 1 }]);
});

it('a receiver that is away is an attempt, and its endpoint is known to fail', async () => {
  vi.spyOn(globalThis, 'fetch').mockRejectedValue(new TypeError('connection refused'));
  await deliver(
    'msg_1',
    parts(async () => ({ job, origin: null })),
  );
  expect(await rows('delivery_attempts')).toMatchObject([{ status: null, error: 'connection refused' }]);
  expect(await rows('endpoints')).toMatchObject([{ url: 'http://127.0.0.1:9/', off_at: null }]);
  expect(await rows('deliveries')).toMatchObject([{ state: 'pending', attempts: 1 }]);
});
