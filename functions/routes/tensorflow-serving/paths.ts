import type { RouteConfig } from '@hono/zod-openapi';
import { z } from 'zod';
import { asksForPicture, errors, json, kept, model } from '../path-parts.ts';
import {
  classifySchema,
  metadataSchema,
  predictionsSchema,
  predictSchema,
  resultsSchema,
  servingErrorSchema,
  statusSchema,
} from './schema.ts';

const version = z
  .string()
  .regex(/^\d+$/)
  .meta({ description: 'The revision of the model.', examples: ['1'] });
const label = z.string().meta({ description: 'stable, or canary where there is one.', examples: ['stable'] });

const failures = errors(servingErrorSchema, 'application/json', [400, 404, 413, 503]);

/** Each call at its three addresses: the version that is served, one by number, one by label. */
const ADDRESSES = [
  { path: '/v1/models/{model}', suffix: '', params: z.object({ model }) },
  { path: '/v1/models/{model}/versions/{version}', suffix: 'OfVersion', params: z.object({ model, version }) },
  { path: '/v1/models/{model}/labels/{label}', suffix: 'OfLabel', params: z.object({ model, label }) },
] as const;

export const servingPaths: readonly RouteConfig[] = ADDRESSES.flatMap(({ path, suffix, params }): RouteConfig[] => [
  {
    method: 'get',
    path,
    operationId: `servingStatus${suffix}`,
    tags: ['TensorFlow Serving'],
    summary: 'Which versions are served',
    request: { params },
    responses: { 200: json(statusSchema, 'Its versions.'), ...failures },
  },
  {
    method: 'get',
    path: `${path}/metadata`,
    operationId: `servingMetadata${suffix}`,
    tags: ['TensorFlow Serving'],
    summary: 'The signatures of the model',
    request: { params },
    responses: { 200: json(metadataSchema, 'Its signatures.'), ...failures },
  },
  {
    method: 'post',
    path: `${path}:predict`,
    operationId: `servingPredict${suffix}`,
    tags: ['TensorFlow Serving'],
    summary: 'Scores of all classes, in their order',
    request: {
      params,
      headers: asksForPicture,
      body: { required: true, content: { 'application/json': { schema: predictSchema } } },
    },
    responses: { ...kept(json(predictionsSchema, 'One list of scores an input.'), { classified: true }), ...failures },
  },
  {
    method: 'post',
    path: `${path}:classify`,
    operationId: `servingClassify${suffix}`,
    tags: ['TensorFlow Serving'],
    summary: 'Labels and scores, best first',
    request: {
      params,
      headers: asksForPicture,
      body: { required: true, content: { 'application/json': { schema: classifySchema } } },
    },
    responses: { ...kept(json(resultsSchema, 'One list an example.'), { classified: true }), ...failures },
  },
]);
