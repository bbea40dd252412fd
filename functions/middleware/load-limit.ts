import { createMiddleware } from 'hono/factory';
import { ServiceError } from '../errors.ts';

/** Memory is admitted by the byte elsewhere; this bounds what each request costs beside it. */
const MAX_REQUESTS = 512;
/** A body that trickles in ends here. Computing does not, but an explanation of the largest model takes a third of it. */
const MAX_MS = 60_000;

/**
 * Bounds how many requests an isolate has at once, and how long each takes. One that is older than the limit no longer
 * counts: in workerd a request whose client went away may not run on, and would count for ever.
 */
export function loadLimit({ maxRequests = MAX_REQUESTS, maxMs = MAX_MS } = {}) {
  /** When each began, oldest first. */
  const running = new Map<symbol, number>();
  return createMiddleware(async (_c, next) => {
    const now = Date.now();
    for (const [request, began] of running) {
      if (now - began <= maxMs) break;
      running.delete(request);
    }
    if (running.size >= maxRequests) {
      throw new ServiceError(
        'busy',
        `There are ${maxRequests} requests at work already.`,
        'Try again after the seconds that Retry-After says.',
        { retryAfterSeconds: 1 },
      );
    }
    const request = Symbol();
    running.set(request, now);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(tooSlow(maxMs)), maxMs);
      next()
        .then(resolve, reject)
        .finally(() => clearTimeout(timer));
    }).finally(() => running.delete(request));
  });
}

function tooSlow(maxMs: number): ServiceError {
  return new ServiceError(
    'too-slow',
    `The request was not done after ${maxMs / 1000} s.`,
    'Send its body faster, or ask for less in one request.',
    { retryAfterSeconds: 1 },
  );
}
