import type { RouteConfig } from '@hono/zod-openapi';
import type { Hono } from 'hono';
import { keySetSchema, type Receipts } from '../receipts/receipts.ts';
import { conditional } from './conditional.ts';
import { route } from './methods.ts';
import { problems } from './native-problem.ts';
import { json } from './path-parts.ts';

export const receiptsPaths: readonly RouteConfig[] = [
  {
    method: 'get',
    path: '/receipts/keys',
    operationId: 'receiptKeys',
    tags: ['Classify'],
    summary: 'What receipts are verified with',
    description:
      'A receipt (receipt=1 with a classification) is a JWS of Ed25519 over model version, SHA-256 of the picture and SHA-256 of the scores.',
    responses: { 200: json(keySetSchema, 'A JWK Set.'), ...problems(503) },
  },
];

/** `GET /receipts/keys` */
export function receiptsRoute(app: Hono, receipts: Receipts): void {
  route(app, '/receipts/keys', { GET: async (c) => conditional(c, await receipts.keySet()) });
}
