import { z } from 'zod';
import { hexOf } from '../bytes.ts';
import { predictionSchema } from '../classify/answer.ts';
import { ServiceError } from '../errors.ts';

export const MAX_JOB_IMAGES = 100;
/** A job, its images and its log are kept so long after its end. */
export const KEPT_DAYS = 7;
export const DAY_MS = 86_400_000;

/** `queued → running → succeeded | partial | failed`; `queued`, `running → cancelled`. The SQL of the store enforces it. */
export const stateSchema = z.enum(['queued', 'running', 'succeeded', 'partial', 'failed', 'cancelled']);

export const jobErrorSchema = z.object({ type: z.string(), title: z.string(), detail: z.string() });
export type JobError = z.infer<typeof jobErrorSchema>;

export const jobResultSchema = z
  .object({
    id: z.string(),
    status: z.enum(['queued', 'succeeded', 'failed', 'cancelled']),
    predictions: z.array(predictionSchema).optional(),
    error: jobErrorSchema.optional(),
  })
  .meta({ id: 'JobResult' });

export const deliverySchema = z
  .object({
    id: z.string().meta({ description: 'The webhook-id of every attempt.' }),
    status: z.enum(['pending', 'delivered', 'failed']),
    next_attempt_at: z.iso.datetime().optional(),
    endpoint_off: z
      .boolean()
      .meta({ description: 'It failed for three days, or answered 410: redeliver tries again.' }),
    attempts: z.array(z.object({ at: z.iso.datetime(), status: z.int().nullable(), error: z.string().nullable() })),
  })
  .meta({ id: 'Delivery' });

const counts = z.object({ total: z.int(), succeeded: z.int(), failed: z.int() });
const headSchema = z.object({
  id: z.string(),
  status: stateSchema,
  model: z.string(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  created_at: z.iso.datetime(),
  ended_at: z.iso.datetime().optional(),
  counts,
});
export const jobSchema = headSchema
  .extend({ results: z.array(jobResultSchema), deliveries: z.array(deliverySchema) })
  .meta({ id: 'Job' });
export type Job = z.infer<typeof jobSchema>;
export const jobListSchema = z
  .object({
    jobs: z.array(headSchema),
    next: z.string().nullable().meta({ description: 'The cursor of the next page.' }),
  })
  .meta({ id: 'JobList' });

const name = z.string().min(1).max(200);
const order = {
  model: z.string().min(1).max(100),
  top_k: z.int().min(1).max(1000).optional(),
  callback_url: z.string().min(1).max(2048).optional(),
  metadata: z.record(z.string().max(200), z.unknown()).optional(),
};
/** What a form says beside its files. */
export const orderSchema = z.strictObject(order);
export const jobBodySchema = orderSchema
  .extend({
    images: z
      .array(
        z.union([
          z.strictObject({ id: name.optional(), url: z.string().min(1).max(2048) }),
          z.strictObject({ id: name.optional(), image: z.string().min(1) }),
        ]),
      )
      .min(1)
      .max(MAX_JOB_IMAGES),
  })
  .meta({ id: 'JobBody' });

/** A picture of an order: an address, or bytes that are made when they are needed. */
export type OrderImage =
  | { readonly id?: string | undefined; readonly url: string }
  | { readonly id?: string | undefined; readonly bytes: () => Uint8Array<ArrayBuffer> };

export interface Order {
  readonly model: string;
  readonly images: readonly OrderImage[];
  readonly top_k?: number | undefined;
  readonly callback_url?: string | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** A wake-up: losing one, or getting it twice, changes nothing. */
export const wakeUpSchema = z.union([z.object({ job: z.string() }), z.object({ delivery: z.string() })]);
export type WakeUp = z.infer<typeof wakeUpSchema>;

export const unknownJob = (): ServiceError =>
  new ServiceError('job-unknown', 'There is no such job.', `GET /jobs lists them; they are kept ${KEPT_DAYS} days.`);

export const randomId = (prefix: string): string => `${prefix}_${hexOf(crypto.getRandomValues(new Uint8Array(16)))}`;
