import type { RouteConfig } from '@hono/zod-openapi';
import { z } from 'zod';
import { asksForPicture, bytes, errors, json, kept, model } from '../path-parts.ts';
import { HEADER } from './binary-tensors.ts';
import {
  configSchema,
  indexRequestSchema,
  indexSchema,
  inferRequestSchema,
  inferResponseSchema,
  liveSchema,
  modelSchema,
  openErrorSchema,
  readySchema,
  serverSchema,
  statsSchema,
} from './schema.ts';

const version = z
  .string()
  .meta({ description: 'The revision of the model, or its label: stable, canary.', examples: ['1'] });
const failures = errors(openErrorSchema, 'application/json', [400, 404, 413, 503]);
const tags = ['Open Inference Protocol'];

const get = (
  path: string,
  operationId: string,
  summary: string,
  answer: z.ZodType,
  params?: z.ZodObject,
): RouteConfig => ({
  method: 'get',
  path,
  operationId,
  tags,
  summary,
  ...(params && { request: { params } }),
  responses: { 200: json(answer, summary), ...failures },
});

/** Each call of a model at both of its addresses. */
const ADDRESSES = [
  { path: '/v2/models/{model}', suffix: '', params: z.object({ model }) },
  { path: '/v2/models/{model}/versions/{version}', suffix: 'OfVersion', params: z.object({ model, version }) },
] as const;

const tensors = bytes.meta({ description: "The JSON, then the tensors in binary: Triton's extension." });

const ofModel = ADDRESSES.flatMap(({ path, suffix, params }): RouteConfig[] => [
  get(path, `openMetadata${suffix}`, 'Names, types and shapes of input and output', modelSchema, params),
  get(`${path}/ready`, `openReady${suffix}`, 'Whether the model is ready', readySchema, params),
  get(`${path}/config`, `openConfig${suffix}`, 'What of the configuration of Triton applies', configSchema, params),
  get(`${path}/stats`, `openStats${suffix}`, 'Counts of inferences', statsSchema, params),
  {
    method: 'post',
    path: `${path}/infer`,
    operationId: `openInfer${suffix}`,
    tags,
    summary: 'Scores of a batch of tensors or pictures',
    description:
      'One input: FP32 [batch, height, width, channels], already normalised and brought back to pixels by rounding, or BYTES [batch]. One output, FP32 [batch, classes], or with "classification": n the n best as value:index:label.',
    request: {
      params,
      headers: asksForPicture.extend({
        [HEADER]: z
          .string()
          .optional()
          .meta({ description: 'Bytes of JSON before the tensors; 0 where the body is one tensor.' }),
      }),
      body: {
        required: true,
        content: {
          'application/json': { schema: inferRequestSchema },
          'application/octet-stream': { schema: tensors },
        },
      },
    },
    responses: {
      ...kept(
        {
          description: 'The output; in binary behind the JSON where that was asked for.',
          content: {
            'application/json': { schema: inferResponseSchema },
            'application/octet-stream': { schema: tensors },
          },
        },
        { classified: true },
      ),
      ...failures,
    },
  },
]);

export const openInferencePaths: readonly RouteConfig[] = [
  get('/v2', 'openServer', 'The server and its extensions', serverSchema),
  get('/v2/health/live', 'openLive', 'Whether the server answers', liveSchema),
  get('/v2/health/ready', 'openServerReady', 'Whether the server knows its models', liveSchema),
  get('/v2/models/stats', 'openAllStats', 'Counts of inferences of all models', statsSchema),
  {
    method: 'post',
    path: '/v2/repository/index',
    operationId: 'openIndex',
    tags,
    summary: 'The models, those that cannot be read as well',
    request: { body: { content: { 'application/json': { schema: indexRequestSchema } } } },
    responses: { 200: json(indexSchema, 'All models.'), ...failures },
  },
  ...ofModel,
];
