import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';

/** How long a browser remembers a preflight. */
const MAX_AGE_SECONDS = 600;

/**
 * Lets pages of other origins call. They send keys or tokens as headers, never cookies, so no credentials are allowed:
 * `*` gives a stranger's page no more than a program has.
 */
export const crossOrigin = (origins: readonly string[]): MiddlewareHandler =>
  cors({
    origin: origins.includes('*') ? '*' : [...origins],
    allowMethods: ['GET', 'HEAD', 'POST', 'DELETE'],
    allowHeaders: [
      'authorization',
      'cache-control',
      'content-type',
      'idempotency-key',
      'if-none-match',
      'inference-header-content-length',
      'traceparent',
      'tracestate',
      'x-api-key',
      'x-request-id',
    ],
    exposeHeaders: [
      'etag',
      'inference-header-content-length',
      'ratelimit',
      'ratelimit-policy',
      'retry-after',
      'traceparent',
      'x-cache',
      'x-count',
      'x-dims',
      'x-model-revision',
      'x-model-version',
      'x-request-id',
      'x-scale',
    ],
    maxAge: MAX_AGE_SECONDS,
  });
