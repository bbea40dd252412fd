import type { Hono } from 'hono';
import { z } from 'zod';
import { callerOf } from '../access/caller.ts';
import { ownerOf } from '../access/owner.ts';
import { ServiceError } from '../errors.ts';
import { decodeBase64 } from '../input/base64.ts';
import { readBody, tooLarge } from '../input/body.ts';
import { MAX_IMAGE_BYTES, mediaType, present } from '../input/images.ts';
import { checked, parseJsonBody } from '../input/json.ts';
import { numberInText, queryOf, searchOf } from '../input/options.ts';
import { jobBodySchema, MAX_JOB_IMAGES, type Order, orderSchema, unknownJob } from '../jobs/job.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { route } from './methods.ts';

/** An isolate holds the body, and one decoded picture at a time. */
export const MAX_JOB_BYTES = 25_000_000;
const MAX_PAGE = 100;
const CURSOR = /^(\d{1,15})\.(job_[0-9a-f]{32})$/;
const limit = z.int().min(1).max(MAX_PAGE);
/** As it is documented; in a query string numbers are text. */
export const pageSchema = z.object({ limit: limit.default(20), cursor: z.string().regex(CURSOR).optional() });
const pageQuerySchema = pageSchema.extend({ limit: numberInText.pipe(limit).default(20) });
const TODO = 'Send {"model": "…", "images": [{"url": "https://…"} or {"image": "<base64>"}, …]}; /docs has the rest.';

/** `POST /jobs`, `GET /jobs`, `GET` and `DELETE /jobs/{id}`, `POST /jobs/{id}/redeliver`. */
export function jobsRoute(app: Hono, jobs: Jobs, charge: (images: number) => Promise<void>): void {
  route(app, '/jobs', {
    POST: async (c) => {
      const owner = ownerOf(callerOf(c));
      const order = await orderOf(c.req.raw);
      const { origin } = new URL(c.req.url);
      const { id } = await jobs.create(owner, order, { key: c.req.header('idempotency-key'), origin, charge });
      c.header('location', `/jobs/${id}`);
      return c.json(await jobs.get(owner, id), 202);
    },
    GET: async (c) => {
      const { limit, cursor } = queryOf(
        searchOf(c.req.url),
        pageQuerySchema,
        `limit is 1 to ${MAX_PAGE}, cursor what "next" was.`,
      );
      const [, at, id = ''] = CURSOR.exec(cursor ?? '') ?? [];
      const before = at === undefined ? undefined : { at: Number(at), id };
      return c.json(await jobs.list(ownerOf(callerOf(c)), { limit, before }));
    },
  });
  route(app, '/jobs/:id', {
    GET: async (c) => c.json(await known(ownerOf(callerOf(c)), c.req.param('id') ?? '')),
    DELETE: async (c) => {
      const owner = ownerOf(callerOf(c));
      const id = c.req.param('id') ?? '';
      const cancelled = await jobs.cancel(owner, id);
      const job = await known(owner, id);
      if (!cancelled && job.status !== 'cancelled') throw ended(job.status);
      return c.json(job);
    },
  });
  route(app, '/jobs/:id/redeliver', {
    POST: async (c) => {
      const owner = ownerOf(callerOf(c));
      const id = c.req.param('id') ?? '';
      await known(owner, id);
      if (!(await jobs.redeliver(owner, id))) {
        throw new ServiceError(
          'job-state',
          'There is no callback to send, or one is being sent.',
          'GET the job to see.',
        );
      }
      return c.json(await known(owner, id), 202);
    },
  });

  async function known(owner: string, id: string) {
    const job = await jobs.get(owner, id);
    if (!job) throw unknownJob();
    return job;
  }
}

const ended = (status: string): ServiceError =>
  new ServiceError('job-state', `The job is ${status}.`, 'Only what is queued or running can be cancelled.');

async function orderOf(request: Request): Promise<Order> {
  const body = present(await readBody(request, MAX_JOB_BYTES));
  if (mediaType(request) === 'multipart/form-data') return fromForm(body, request.headers.get('content-type') ?? '');
  const { images, ...order } = checked(jobBodySchema, parseJsonBody(body, { todo: TODO }), TODO);
  return {
    ...order,
    images: images.map((image) =>
      'url' in image ? image : { id: image.id, bytes: () => present(decodeBase64(image.image, MAX_IMAGE_BYTES)) },
    ),
  };
}

/** A part `order` with the JSON, without its images, and their files as parts `images`; each is named by its file. */
async function fromForm(body: Uint8Array<ArrayBuffer>, type: string): Promise<Order> {
  const form = await new Response(body, { headers: { 'content-type': type } }).formData().catch(() => {
    throw badForm('is no multipart/form-data of the boundary that its content type names');
  });
  const text = form.get('order');
  if (typeof text !== 'string') throw badForm('has no text part named order');
  const order = checked(orderSchema, parseJsonBody(new TextEncoder().encode(text), { todo: TODO }), TODO);
  const files = form.getAll('images');
  if (files.length < 1 || files.length > MAX_JOB_IMAGES) throw badForm(`has ${files.length} parts named images`);
  const images = [];
  for (const part of files) {
    if (typeof part === 'string') throw badForm('has text in place of a file');
    const file = part as File;
    if (file.size > MAX_IMAGE_BYTES) throw tooLarge('picture', MAX_IMAGE_BYTES);
    const bytes = new Uint8Array(await file.arrayBuffer());
    images.push({ id: file.name || undefined, bytes: () => present(bytes) });
  }
  return { ...order, images };
}

const badForm = (why: string): ServiceError =>
  new ServiceError(
    'bad-request',
    `The form ${why}.`,
    `Send order={"model": "…"} and 1 to ${MAX_JOB_IMAGES} files named images.`,
  );
