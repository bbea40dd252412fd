import { z } from 'zod';
import { type Job, type jobListSchema, jobSchema } from './job.ts';
import type { JobStore } from './store.ts';

const iso = (ms: number): string => new Date(ms).toISOString();
const parsed = z.string().transform((text): unknown => JSON.parse(text));

const headRow = z
  .object({
    id: z.string(),
    state: z.string(),
    model: z.string(),
    metadata: parsed.nullable(),
    origin: z.string().nullable(),
    created_at: z.int(),
    ended_at: z.int().nullable(),
    total: z.int(),
    succeeded: z.int(),
    failed: z.int(),
  })
  .transform(
    ({ origin, state: status, created_at: created, ended_at: ended, metadata, total, succeeded, failed, ...row }) => ({
      origin,
      created,
      head: {
        ...row,
        status,
        ...(metadata !== null && { metadata }),
        created_at: iso(created),
        ...(ended !== null && { ended_at: iso(ended) }),
        counts: { total, succeeded, failed },
      },
    }),
  );
const imageRow = z.object({ name: z.string(), state: z.string(), result: parsed.nullable() });
const deliveryRow = z.object({ id: z.string(), state: z.string(), due_at: z.int(), off: z.int() });
const attemptRow = z.object({ at: z.int(), status: z.int().nullable(), error: z.string().nullable() });

const HEAD = `SELECT id, state, model, metadata, origin, created_at, ended_at,
  (SELECT count(*) FROM job_images WHERE job = jobs.id) AS total,
  (SELECT count(*) FROM job_images WHERE job = jobs.id AND state = 'succeeded') AS succeeded,
  (SELECT count(*) FROM job_images WHERE job = jobs.id AND state = 'failed') AS failed FROM jobs`;

/** A job as it is at one moment. @param owner whose alone; undefined for us */
export async function viewOf(
  { database }: JobStore,
  id: string,
  owner?: string,
): Promise<{ job: Job; origin: string | null } | undefined> {
  const [jobs, images, deliveries, attempts] = await database.batch([
    database.prepare(`${HEAD} WHERE id = ?1 AND owner = coalesce(?2, owner)`).bind(id, owner ?? null),
    database.prepare('SELECT name, state, result FROM job_images WHERE job = ? ORDER BY position').bind(id),
    database
      .prepare(
        `SELECT id, state, due_at, EXISTS (SELECT 1 FROM endpoints e
           WHERE e.owner = deliveries.owner AND e.url = deliveries.url AND off_at > 0) AS off FROM deliveries WHERE job = ?`,
      )
      .bind(id),
    database
      .prepare(
        `SELECT at, status, error FROM delivery_attempts
         WHERE delivery = (SELECT id FROM deliveries WHERE job = ?) ORDER BY at`,
      )
      .bind(id),
  ]);
  if (!jobs?.results[0]) return undefined;
  const { head, origin } = headRow.parse(jobs.results[0]);
  const tried = z.array(attemptRow).parse(attempts?.results);
  const job = jobSchema.parse({
    ...head,
    results: z
      .array(imageRow)
      .parse(images?.results)
      .map(({ name, state, result }) => ({ id: name, status: state, ...(result as object | null) })),
    deliveries: z
      .array(deliveryRow)
      .parse(deliveries?.results)
      .map(({ id: delivery, state, due_at: due, off }) => ({
        id: delivery,
        status: state,
        ...(state === 'pending' && { next_attempt_at: iso(due) }),
        endpoint_off: off === 1,
        attempts: tried.map(({ at, ...attempt }) => ({ at: iso(at), ...attempt })),
      })),
  });
  return { job, origin };
}

/** Newest first. @param before the cursor: time and id of the last that was seen */
export async function listOf(
  { database }: JobStore,
  owner: string,
  { limit, before }: { limit: number; before?: { at: number; id: string } | undefined },
): Promise<z.infer<typeof jobListSchema>> {
  const { results } = await database
    .prepare(`${HEAD} WHERE owner = ?1 AND (created_at, id) < (?2, ?3) ORDER BY created_at DESC, id DESC LIMIT ?4`)
    .bind(owner, before?.at ?? Number.MAX_SAFE_INTEGER, before?.id ?? '', limit + 1)
    .all();
  const rows = z.array(headRow).parse(results);
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const jobs = page.map(({ head }) => jobSchema.omit({ results: true, deliveries: true }).parse(head));
  return { jobs, next: rows.length > limit && last ? `${last.created}.${last.head.id}` : null };
}
