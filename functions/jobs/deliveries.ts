import { z } from 'zod';
import { isOfDatabase } from '../errors.ts';
import { checkedAddress, type UrlRules } from '../input/fetch-url.ts';
import { type SigningSecret, signedHeaders } from '../webhooks/sign.ts';
import { DAY_MS, type Job, randomId, type WakeUp } from './job.ts';
import type { JobStore } from './store.ts';

/** Seconds between attempts, before jitter: 76 hours in all. Queues take whole seconds: the first is 4 at most. */
const WAITS = [3, 30, 120, 600, 1_800, 7_200, 18_000, 36_000, 50_000, 72_000, 86_400] as const;
/** Of each wait so much is by chance, so that those who failed together do not come back together. */
const JITTER = 0.2;
const OFF_AFTER_MS = 3 * DAY_MS;
const TIMEOUT_MS = 20_000;
const LEASE_MS = 60_000;
const MAX_RETRY_AFTER_S = 86_400;
/** Above it an event has counts and an address in place of results. */
const MAX_EVENT_BYTES = 20_000;

const rowSchema = z.object({ id: z.string(), job: z.string(), owner: z.string(), url: z.string(), attempts: z.int() });
type Row = z.infer<typeof rowSchema>;

interface Parts {
  readonly store: JobStore;
  readonly rulesOf: (owner: string) => Promise<UrlRules>;
  readonly signingSecretsOf: (owner: string) => Promise<readonly SigningSecret[]>;
  readonly jobOf: (id: string) => Promise<{ job: Job; origin: string | null } | undefined>;
  readonly log: (line: Readonly<Record<string, unknown>>) => void;
}

interface Attempt {
  readonly status: number | null;
  readonly error: string | null;
  readonly retryAfterSeconds?: number | undefined;
}

/** One attempt, where one is due and nobody else is at it. @returns the next, and in how many milliseconds */
export async function deliver(id: string, parts: Parts): Promise<{ next: WakeUp | undefined; waitMs: number }> {
  const none = { next: undefined, waitMs: 0 };
  const { database } = parts.store;
  const lease = randomId('lease');
  const now = Date.now();
  const leased = await database
    .prepare(
      `UPDATE deliveries SET lease = ?2, leased_until = ?3 WHERE id = ?1 AND state = 'pending' AND due_at <= ?4
       AND leased_until <= ?4 RETURNING id, job, owner, url, attempts`,
    )
    .bind(id, lease, now + LEASE_MS, now)
    .first();
  if (!leased) return none;
  const row = rowSchema.parse(leased);
  const attempt = await attempted(row, parts);
  const waitMs = waitOf(row.attempts, attempt);
  await settle(row, lease, attempt, waitMs, parts);
  return waitMs === undefined ? none : { next: { delivery: id }, waitMs };
}

const isTaken = ({ status }: Attempt): boolean => status !== null && status >= 200 && status < 300;

/** @returns undefined where there is no next attempt */
function waitOf(attempts: number, attempt: Attempt): number | undefined {
  const seconds = WAITS[attempts];
  if (isTaken(attempt) || attempt.status === 410 || seconds === undefined) return undefined;
  const jittered = seconds * (1 - JITTER / 2 + JITTER * Math.random());
  return Math.round(1000 * Math.max(jittered, attempt.retryAfterSeconds ?? 0));
}

/** @throws what the database says: that is no attempt of the receiver's, and the sweep takes it up again */
async function attempted({ id, job: jobId, owner, url }: Row, parts: Parts): Promise<Attempt> {
  try {
    const found = await parts.jobOf(jobId);
    const secrets = await parts.signingSecretsOf(owner);
    if (!found) return { status: null, error: 'the job is no longer kept' };
    if (secrets.length === 0) return { status: null, error: 'there is no secret to sign with: npm run webhooks' };
    const address = checkedAddress(url, await parts.rulesOf(owner));
    const body = eventOf(found.job, found.origin);
    const headers = await signedHeaders(secrets, id, Math.floor(Date.now() / 1000), body);
    headers.set('content-type', 'application/json');
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const answer = await fetch(address, { method: 'POST', body, headers, redirect: 'manual', signal });
    await answer.body?.cancel();
    const { status } = answer;
    if (status >= 200 && status < 300) return { status, error: null };
    return { status, error: `answers ${status}`, retryAfterSeconds: retryAfter(answer.headers.get('retry-after')) };
  } catch (error) {
    if (isOfDatabase(error)) throw error;
    return { status: null, error: String(error instanceof Error ? error.message : error).slice(0, 300) };
  }
}

/** RFC 9110, section 10.2.3: seconds, or a date. */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const seconds = /^\d+$/.test(value.trim()) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return seconds > 0 ? Math.min(seconds, MAX_RETRY_AFTER_S) : undefined;
}

/** `job.completed`, version 1. */
export function eventOf({ deliveries: _, ...job }: Job, origin: string | null): string {
  const event = (data: object) => JSON.stringify({ type: 'job.completed', version: 1, timestamp: job.ended_at, data });
  const whole = event(job);
  if (new TextEncoder().encode(whole).length <= MAX_EVENT_BYTES) return whole;
  const { results: __, ...head } = job;
  return event({ ...head, url: `${origin ?? ''}/jobs/${job.id}` });
}

async function settle(
  { id, owner, url }: Row,
  lease: string,
  attempt: Attempt,
  waitMs: number | undefined,
  { store, log }: Parts,
) {
  const { database } = store;
  const now = Date.now();
  const state = isTaken(attempt) ? 'delivered' : waitMs === undefined ? 'failed' : 'pending';
  const held = 'EXISTS (SELECT 1 FROM deliveries WHERE id = ?1 AND lease = ?2)';
  const endpoint = isTaken(attempt)
    ? database.prepare(`DELETE FROM endpoints WHERE owner = ?3 AND url = ?4 AND ${held}`).bind(id, lease, owner, url)
    : database
        .prepare(
          `INSERT INTO endpoints (owner, url, failing_since, off_at) SELECT ?3, ?4, ?5, ?6 WHERE ${held}
           ON CONFLICT DO UPDATE SET off_at = coalesce(off_at, ?6, CASE WHEN failing_since <= ?7 THEN ?5 END)
           RETURNING off_at`,
        )
        .bind(id, lease, owner, url, now, attempt.status === 410 ? now : null, now - OFF_AFTER_MS);
  const [, switched] = await database.batch<{ off_at: number | null }>([
    database
      .prepare(
        `INSERT INTO delivery_attempts (delivery, lease, at, status, error) SELECT ?1, ?2, ?3, ?4, ?5 WHERE ${held}`,
      )
      .bind(id, lease, now, attempt.status, attempt.error),
    endpoint,
    database
      .prepare(
        `UPDATE deliveries SET state = ?3, attempts = attempts + 1, due_at = ?4, woken_at = ?5, lease = NULL, leased_until = 0
         WHERE id = ?1 AND lease = ?2`,
      )
      .bind(id, lease, state, now + (waitMs ?? 0), now),
    // What waits for an endpoint that is off does not wait any longer.
    database
      .prepare(
        `UPDATE deliveries SET state = 'failed' WHERE state = 'pending' AND owner = ?1 AND url = ?2 AND lease IS NULL
         AND EXISTS (SELECT 1 FROM endpoints WHERE owner = ?1 AND url = ?2 AND off_at = ?3)`,
      )
      .bind(owner, url, now),
  ]);
  if (switched?.results[0]?.off_at === now) log({ endpoint: new URL(url).host, owner, off: attempt.error });
  else if (state === 'failed') log({ delivery: id, owner, dead: attempt.error });
}

/** A callback once more, with its id: also of an endpoint that is off. @returns whether there was one to send */
export async function redeliver({ database }: JobStore, job: string, owner: string): Promise<WakeUp | undefined> {
  const now = Date.now();
  const row = await database
    .prepare(
      `UPDATE deliveries SET state = 'pending', attempts = 0, due_at = ?3, woken_at = ?3
       WHERE job = ?1 AND owner = ?2 AND leased_until <= ?3 RETURNING id`,
    )
    .bind(job, owner, now)
    .first<{ id: string }>();
  return row ? { delivery: row.id } : undefined;
}
