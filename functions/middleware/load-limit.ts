import type { MiddlewareHandler } from 'hono';
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
export class LoadLimit {
  readonly #maxRequests: number;
  readonly #maxMs: number;
  /** When each began, oldest first. */
  readonly #running = new Map<symbol, number>();

  constructor({ maxRequests = MAX_REQUESTS, maxMs = MAX_MS } = {}) {
    this.#maxRequests = maxRequests;
    this.#maxMs = maxMs;
  }

  /** @throws ServiceError `busy`, or `too-slow` */
  async within<T>(work: () => Promise<T>): Promise<T> {
    const now = Date.now();
    for (const [request, began] of this.#running) {
      if (now - began <= this.#maxMs) break;
      this.#running.delete(request);
    }
    if (this.#running.size >= this.#maxRequests) throw tooMany(this.#maxRequests);
    const request = Symbol();
    this.#running.set(request, now);
    try {
      return await new Promise<T>((resolve, reject) => {
        const timer = setTimeout(() => reject(tooSlow(this.#maxMs)), this.#maxMs);
        work()
          .finally(() => clearTimeout(timer))
          .then(resolve, reject);
      });
    } finally {
      this.#running.delete(request);
    }
  }
}

export const loadLimit = (limit = new LoadLimit()): MiddlewareHandler =>
  createMiddleware((_c, next) => limit.within(next));

function tooMany(maxRequests: number): ServiceError {
  return new ServiceError(
    'busy',
    `There are ${maxRequests} requests at work already.`,
    'Try again after the seconds that Retry-After says.',
    { retryAfterSeconds: 1 },
  );
}

function tooSlow(maxMs: number): ServiceError {
  return new ServiceError(
    'too-slow',
    `The request was not done after ${maxMs / 1000} s.`,
    'Send its body faster, or ask for less in one request.',
    { retryAfterSeconds: 1 },
  );
}
