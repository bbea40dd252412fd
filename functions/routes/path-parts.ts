import type { RouteConfig } from '@hono/zod-openapi';
import { z } from 'zod';
import { modelIdSchema } from '../catalogue/manifest.ts';

/** What the descriptions of all surfaces are written with. */

type Responses = RouteConfig['responses'];

export const model = modelIdSchema.meta({
  description: 'A model, as GET /models lists them.',
  examples: ['fashion-mlp'],
});

/** A picture's bytes: nothing that a schema could say more of. */
export const bytes = z.string().meta({ format: 'binary', description: 'The bytes of a PNG or JPEG.' });

export const json = (schema: z.ZodType, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});

/** What a caller without the right to something may meet anywhere, where access is on. */
const OF_ACCESS = [401, 403, 429] as const;

/** The same error form for each status that a surface answers with. */
export function errors(schema: z.ZodType, type: string, statuses: readonly (keyof typeof MEANINGS)[]): Responses {
  const responses: Responses = {};
  for (const status of new Set([...statuses, ...OF_ACCESS])) {
    responses[status] = { description: MEANINGS[status], content: { [type]: { schema } } };
  }
  return responses;
}

const MEANINGS = {
  401: 'The key, token or JWT is missing, or not good.',
  403: 'The caller may not do that.',
  400: 'The request cannot be understood; the text names the field.',
  404: 'There is no such model, or no such version of it.',
  413: 'The body or the picture is too large.',
  415: 'The picture is of a kind that is not supported.',
  422: 'The picture is damaged.',
  429: 'Too many requests, or the quota of the month is used up, or the service is busy; Retry-After says when to come back.',
  502: 'The model cannot be loaded.',
  503: 'The service is busy, or the model cannot be loaded; Retry-After says when to come back.',
} as const;
