import type { RouteConfig } from '@hono/zod-openapi';
import { z } from 'zod';
import { sourceNameSchema } from '../webhooks/orders.ts';
import { hookAnswerSchema } from './hooks.ts';
import { problems } from './native-problem.ts';
import { json } from './path-parts.ts';

/** Inbound webhooks, as OpenAPI has them. */
export const hooksPaths: readonly RouteConfig[] = [
  {
    method: 'post',
    path: '/hooks/{source}',
    operationId: 'hook',
    tags: ['Webhooks'],
    summary: 'An event of another system, that becomes a job',
    description:
      'Signed as the source was added: webhook-id, webhook-timestamp and webhook-signature (Standard Webhooks), X-Hub-Signature-256 (GitHub), or Stripe-Signature. The signature is the proof: no key is asked for. An event that was here before is not done again.',
    security: [{}],
    request: {
      params: z.object({ source: sourceNameSchema }),
      headers: z.object({
        'webhook-id': z.string().optional(),
        'webhook-timestamp': z.string().optional(),
        'webhook-signature': z.string().optional(),
        'x-hub-signature-256': z.string().optional(),
        'stripe-signature': z.string().optional(),
      }),
      body: {
        required: true,
        content: { 'application/json': { schema: z.unknown().meta({ description: "Of the sender's own form." }) } },
      },
    },
    responses: {
      202: json(hookAnswerSchema, 'It is queued, was so before, or asks for nothing.'),
      ...problems(400, 403, 404, 413, 503),
    },
  },
];
