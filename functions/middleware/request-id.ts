import { createMiddleware } from 'hono/factory';

export interface RequestIdVariables {
  requestId: string;
}

/** A caller's own id is kept where it is short and plain, so that it can stand in logs and headers as it is. */
const ACCEPTED = /^[A-Za-z0-9._~-]{1,64}$/;

/** Gives each request an id, and each answer the header `x-request-id`. */
export const requestId = createMiddleware<{ Variables: RequestIdVariables }>(async (c, next) => {
  const given = c.req.header('x-request-id');
  const id = given && ACCEPTED.test(given) ? given : crypto.randomUUID();
  c.set('requestId', id);
  await next();
  c.res.headers.set('x-request-id', id);
});
