import type { RouteConfig } from '@hono/zod-openapi';
import { z } from 'zod';
import { modelIdSchema } from '../catalogue/manifest.ts';

/** What the descriptions of all surfaces are written with. */

type Responses = RouteConfig['responses'];

export const model = modelIdSchema.meta({
  description: 'A model, as GET /models lists them.',
  examples: ['fashion-mlp'],
});

/** The same in one of its versions; without one a canary has its share, and the stable version all else. */
export const modelOrVersion = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]{0,62}(@(\d{1,15}|stable|canary))?$/)
  .meta({
    description:
      'A model, as GET /models lists them, or a version of it: {model}@{revision}, {model}@stable, {model}@canary.',
    examples: ['fashion-mlp'],
  });

/** What a picture was answered by. */
const SPOKE = {
  'x-model-version': z.string().meta({ description: 'The version that spoke: the hash of its content.' }),
  'x-model-revision': z.string().meta({ description: 'The same by its number, as addresses have it.' }),
};

/** The same of those answers that the service keeps. */
const CACHED = {
  'x-cache': z.enum(['hit', 'miss', 'bypass']).meta({
    description:
      'Whether all pictures were answered from what is kept of earlier ones. bypass: nothing was looked up, as Cache-Control of the request, or the deployment, has it.',
  }),
};

/** Of what can be kept and asked for again. */
const VALIDATORS = {
  etag: z.string().meta({ description: 'Strong: of the bytes of the answer.' }),
  'cache-control': z.string().meta({
    description: 'no-cache: to be kept, and asked for again each time. private where access is on.',
  }),
};

/** Headers of a request that may be answered 304. */
export const asksAgain = z.object({
  'if-none-match': z
    .string()
    .optional()
    .meta({ description: 'ETags that the caller has: 304 where one is still right.' }),
});

/** Headers of a classification: the same, and whether it may be answered by what is kept. */
export const asksForPicture = asksAgain.extend({
  'cache-control': z.string().optional().meta({
    description:
      'no-cache: run the model. no-store: and do not keep what it says. Else the same picture may be answered from what was kept.',
  }),
});

/**
 * Adds to a description of 200 its headers, and 304.
 * @param by `classified`, or `embedded`, which the service does not keep; neither where no model spoke
 */
export function kept<R extends { description: string }>(
  answer: R,
  { classified, embedded = false }: { classified: boolean; embedded?: boolean },
) {
  const headers = z.object({ ...VALIDATORS, ...((classified || embedded) && SPOKE), ...(classified && CACHED) });
  return {
    200: { ...answer, headers },
    304: { description: 'The caller has it already: one of If-None-Match is its ETag.', headers },
  };
}

/** A picture's bytes: nothing that a schema could say more of. */
export const bytes = z.string().meta({ format: 'binary', description: 'The bytes of a JPEG, PNG, WebP, AVIF or GIF.' });

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
  409: 'It is in another state, or the first request is still at work.',
  413: 'The body or the picture is too large.',
  415: 'The picture is of a kind that is not supported.',
  422: 'The picture is damaged.',
  429: 'Too many requests, or the quota of the month is used up, or the service is busy; Retry-After says when to come back.',
  502: 'The model cannot be loaded.',
  503: 'The service is busy, or the model cannot be loaded; Retry-After says when to come back.',
} as const;
