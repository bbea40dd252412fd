import type { RouteConfig } from '@hono/zod-openapi';
import { z } from 'zod';
import { ServiceError } from '../errors.ts';
import {
  additionSchema,
  headBodySchema,
  headIdSchema,
  headLabelSchema,
  headListSchema,
  headSchema,
  MAX_PICTURES,
} from '../heads/head.ts';
import { examplesBodySchema } from '../input/images.ts';
import { form, problems } from './native-problem.ts';
import { bytes, json } from './path-parts.ts';

/** `/heads`, as OpenAPI has it. */

const head = z.object({ id: headIdSchema });
const ofClass = head.extend({ label: headLabelSchema });
const tags = ['Heads'];

export const headsPaths: readonly RouteConfig[] = [
  {
    method: 'get',
    path: '/heads',
    operationId: 'listHeads',
    tags,
    summary: 'Your heads: classes of your own',
    responses: { 200: json(headListSchema, 'In the order of their ids.'), ...problems(503) },
  },
  {
    method: 'put',
    path: '/heads/{id}',
    operationId: 'putHead',
    tags,
    summary: 'Make a head on the embeddings of a model, or find it as it is',
    request: {
      params: head,
      body: { required: true, content: { 'application/json': { schema: headBodySchema } } },
    },
    responses: { 200: json(headSchema, 'The head.'), ...problems(400, 404, 409, 413, 422, 503) },
  },
  {
    method: 'get',
    path: '/heads/{id}',
    operationId: 'getHead',
    tags,
    summary: 'A head and its classes',
    request: { params: head },
    responses: { 200: json(headSchema, 'The head.'), ...problems(400, 404, 503) },
  },
  {
    method: 'delete',
    path: '/heads/{id}',
    operationId: 'deleteHead',
    tags,
    summary: 'Remove a head and all its classes',
    request: { params: head },
    responses: { 204: { description: 'It is gone.' }, ...problems(400, 404, 503) },
  },
  {
    method: 'post',
    path: '/heads/{id}/classes/{label}',
    operationId: 'addToClass',
    tags,
    summary: `Add 1 to ${MAX_PICTURES} pictures to a class, and make it where it is new`,
    description:
      'Each picture has a status of its own; those that can be read are added together. Then POST /classify/{base}?head={id}.',
    request: {
      params: ofClass,
      body: {
        required: true,
        content: {
          'image/*': { schema: bytes },
          'application/octet-stream': { schema: bytes },
          'multipart/form-data': { schema: form },
          'application/json': { schema: examplesBodySchema(MAX_PICTURES) },
        },
      },
    },
    responses: {
      200: json(additionSchema, 'What was added, and the head as it is now.'),
      ...problems(400, 404, 409, 413, 415, 422, 503),
    },
  },
  {
    method: 'delete',
    path: '/heads/{id}/classes/{label}',
    operationId: 'deleteClass',
    tags,
    summary: 'Remove a class',
    request: { params: ofClass },
    responses: { 200: json(headSchema, 'The head as it is now.'), ...problems(400, 404, 503) },
  },
];

export const noHeads = (): ServiceError =>
  new ServiceError('option-unavailable', 'This service keeps no classes of callers.', 'Ask without head.');
