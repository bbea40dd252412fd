import { createMiddleware } from 'hono/factory';
import { callerOf } from '../access/caller.ts';
import type { Host } from '../host.ts';
import type { RequestIdVariables } from './request-id.ts';

/** One line a request, as JSON, without anything of the image. Why a request failed on our side stands here only. */
export const log = (host: Host) =>
  createMiddleware<{ Variables: RequestIdVariables }>(async (c, next) => {
    await next();
    const { status } = c.res;
    const caller = callerOf(c);
    const error = status >= 500 ? c.error : undefined;
    host.log({
      requestId: c.get('requestId'),
      method: c.req.method,
      path: c.req.path,
      status,
      ...(caller && { caller: caller.id }),
      ...(error && { error: error.stack ?? String(error), cause: error.cause && String(error.cause) }),
    });
  });
