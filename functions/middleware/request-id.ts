import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { matchedRoutes } from 'hono/route';
import { callerOf } from '../access/caller.ts';
import { freshnessOf, servedHeaders } from './caching.ts';
import { randomHex } from './random-hex.ts';
import { type RequestRecord, recorded, type Witness } from './record.ts';
import { traceOf, traceparent } from './trace.ts';

/** A caller's own id is kept where it is short and plain, so that it can stand in logs and headers as it is. */
const ACCEPTED = /^[A-Za-z0-9._~-]{1,64}$/;
const ID_BYTES = 16;

/**
 * Gives each request an id and its place in a trace, each answer the headers `x-request-id` and `traceparent`, and
 * tells the witnesses when it is over.
 */
export const requestId = (witnesses: readonly Witness[]) =>
  createMiddleware(async (c, next) => {
    const { headers } = c.req.raw;
    const record = recordOf(headers);
    const began = Date.now();
    await recorded(record, next);
    const answer = c.res.headers;
    answer.set('x-request-id', record.requestId);
    answer.set('traceparent', traceparent(record.trace));
    for (const [name, value] of servedHeaders(record)) answer.set(name, value);
    const { status } = c.res;
    const ended = {
      ...record,
      method: c.req.method,
      route: routeOf(c),
      path: c.req.path,
      status,
      bytes: declaredBytes(headers.get('content-length')),
      waitedMs: Date.now() - began,
      caller: callerOf(c)?.id,
      error: status >= 500 ? c.error : undefined,
    };
    for (const witness of witnesses) witness(ended);
  });

function recordOf(headers: Headers): RequestRecord {
  const given = headers.get('x-request-id');
  const requestId = given && ACCEPTED.test(given) ? given : randomHex(ID_BYTES);
  return {
    requestId,
    trace: traceOf(headers.get('traceparent'), headers.get('tracestate')),
    freshness: freshnessOf(headers.get('cache-control')),
  };
}

const declaredBytes = (length: string | null): number | undefined => (length === null ? undefined : Number(length));

/** Where all middleware stands. */
const EVERYWHERE = '/*';
/** Made once for each pattern, of which there are as many as routes. */
const names = new Map<string, string>();

/** The first pattern that an address has matched, as documentation writes it; `other` where nothing answers. */
function routeOf(c: Context): string {
  const pattern = matchedRoutes(c).find(({ path }) => path !== EVERYWHERE)?.path;
  if (pattern === undefined) return 'other';
  let name = names.get(pattern);
  if (name === undefined) {
    // `/:model` is written /{model}.
    name = pattern.replaceAll(/:(\w+)/g, '{$1}');
    names.set(pattern, name);
  }
  return name;
}
