import type { RouteConfig } from '@hono/zod-openapi';
import { z } from 'zod';
import { issuedTokenSchema, tokenRequestSchema } from '../access/tokens.ts';
import { usageSchema } from '../access/usage.ts';
import { answerSchema, answersSchema } from '../classify/answer.ts';
import { imageBodySchema } from '../input/images.ts';
import { optionsSchema } from '../input/options.ts';
import { modelDetailSchema, modelListSchema } from './models.ts';
import { form, problems } from './native-problem.ts';
import { asksAgain, asksForPicture, bytes, json, kept, modelOrVersion } from './path-parts.ts';

/** The routes of our own, as OpenAPI has them. */

export const nativePaths: readonly RouteConfig[] = [
  {
    method: 'post',
    path: '/classify/{model}',
    operationId: 'classify',
    tags: ['Classify'],
    summary: 'Classify one picture, or several',
    description:
      'What kind of picture it is, its own bytes tell. Several are answered each with a status of its own; an explanation is for one.',
    request: {
      params: z.object({ model: modelOrVersion }),
      headers: asksForPicture,
      query: optionsSchema,
      body: {
        required: true,
        content: {
          'image/*': { schema: bytes },
          'application/octet-stream': { schema: bytes },
          'multipart/form-data': { schema: form },
          'application/json': { schema: imageBodySchema },
        },
      },
    },
    responses: {
      ...kept(json(z.union([answerSchema, answersSchema]), 'An answer; Answers where pictures came as a list.'), {
        classified: true,
      }),
      ...problems(400, 404, 413, 415, 422, 503),
    },
  },
  {
    method: 'get',
    path: '/models',
    operationId: 'listModels',
    tags: ['Models'],
    summary: 'The models that are served, and how good they are',
    request: { headers: asksAgain },
    responses: { ...kept(json(modelListSchema, 'All that can be read.'), { classified: false }), ...problems(503) },
  },
  {
    method: 'get',
    path: '/models/{model}',
    operationId: 'getModel',
    tags: ['Models'],
    summary: 'One model, its labels and where it comes from',
    request: { params: z.object({ model: modelOrVersion }), headers: asksAgain },
    responses: { ...kept(json(modelDetailSchema, 'The model.'), { classified: false }), ...problems(404, 503) },
  },
  {
    method: 'get',
    path: '/models/{model}/files/{file}',
    operationId: 'getModelFile',
    tags: ['Models'],
    summary: 'A file of a model, for an engine elsewhere',
    description: 'manifest.json, or a file that it lists. The ETag is the beginning of its SHA-256.',
    request: { params: z.object({ model: modelOrVersion, file: z.string().max(101) }), headers: asksAgain },
    responses: {
      ...kept(
        {
          description: 'The file.',
          content: {
            'application/octet-stream': { schema: z.string().meta({ format: 'binary' }) },
            'application/json': { schema: z.unknown() },
          },
        },
        { classified: false },
      ),
      ...problems(404, 503),
    },
  },
  {
    method: 'get',
    path: '/health/live',
    operationId: 'live',
    tags: ['Health'],
    summary: 'Whether the service answers',
    responses: { 200: json(z.object({ live: z.boolean() }), 'It does.'), ...problems(503) },
  },
  {
    method: 'get',
    path: '/health/ready',
    operationId: 'ready',
    tags: ['Health'],
    summary: 'Whether it knows its models',
    responses: { 200: json(z.object({ ready: z.boolean(), models: z.int() }), 'It does.'), ...problems(503) },
  },
  {
    method: 'get',
    path: '/metrics',
    operationId: 'metrics',
    tags: ['Health'],
    summary: 'Counters of the isolate that answers, as Prometheus reads them',
    description: 'Where access is on, for callers with this route.',
    responses: {
      200: { description: 'Its exposition format, version 0.0.4.', content: { 'text/plain': { schema: z.string() } } },
      ...problems(503),
    },
  },
  {
    method: 'post',
    path: '/tokens',
    operationId: 'issueToken',
    tags: ['Access'],
    summary: 'A short-lived token for an app, so that no key is shipped in it',
    description: 'Only where access is on; with a key.',
    request: { body: { required: true, content: { 'application/json': { schema: tokenRequestSchema } } } },
    responses: { 201: json(issuedTokenSchema, 'The token.'), ...problems(400, 413, 503) },
  },
  {
    method: 'get',
    path: '/usage',
    operationId: 'usage',
    tags: ['Access'],
    summary: 'How many pictures the key had answered this month, and how many it may',
    description: 'Only where access is on; with a key, or a token of one.',
    responses: { 200: json(usageSchema, 'The month so far.'), ...problems(503) },
  },
];
