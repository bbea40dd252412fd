import type { RouteConfig } from '@hono/zod-openapi';
import { z } from 'zod';
import { jobBodySchema, jobListSchema, jobSchema } from '../jobs/job.ts';
import { pageSchema } from './jobs.ts';
import { problems } from './native-problem.ts';
import { bytes, json } from './path-parts.ts';

const id = z.object({ id: z.string().meta({ description: 'As POST /jobs answered it.' }) });
const location = z.object({ location: z.string() });
const form = z.object({
  order: z.string().meta({ description: 'The JSON of JobBody, without its images.' }),
  images: z.array(bytes).meta({ description: 'Up to 100 files; each is named by its file name.' }),
});

/** Jobs, as OpenAPI has them. */
export const jobsPaths: readonly RouteConfig[] = [
  {
    method: 'post',
    path: '/jobs',
    operationId: 'createJob',
    tags: ['Jobs'],
    summary: 'Classify up to 100 pictures later, and call back',
    request: {
      headers: z.object({
        'idempotency-key': z.string().optional().meta({
          description: 'The same order with the same key is the same job for 24 hours; another order is refused.',
        }),
      }),
      body: {
        required: true,
        content: { 'application/json': { schema: jobBodySchema }, 'multipart/form-data': { schema: form } },
      },
    },
    responses: {
      202: { ...json(jobSchema, 'It is safe, and will be done.'), headers: location },
      ...problems(400, 404, 409, 413, 422, 503),
    },
  },
  {
    method: 'get',
    path: '/jobs',
    operationId: 'listJobs',
    tags: ['Jobs'],
    summary: 'Jobs of the caller, newest first',
    request: {
      query: pageSchema,
    },
    responses: { 200: json(jobListSchema, 'A page; next is the cursor of the one after it.'), ...problems(400, 503) },
  },
  {
    method: 'get',
    path: '/jobs/{id}',
    operationId: 'getJob',
    tags: ['Jobs'],
    summary: 'A job, its results and its callback',
    request: { params: id },
    responses: { 200: json(jobSchema, 'The job.'), ...problems(404, 503) },
  },
  {
    method: 'delete',
    path: '/jobs/{id}',
    operationId: 'cancelJob',
    tags: ['Jobs'],
    summary: 'Cancel what is queued or running; it calls nobody back',
    request: { params: id },
    responses: { 200: json(jobSchema, 'It is cancelled.'), ...problems(404, 409, 503) },
  },
  {
    method: 'post',
    path: '/jobs/{id}/redeliver',
    operationId: 'redeliver',
    tags: ['Jobs'],
    summary: 'Send the callback of a job once more, with its webhook-id',
    request: { params: id },
    responses: { 202: json(jobSchema, 'It is queued.'), ...problems(404, 409, 503) },
  },
];
