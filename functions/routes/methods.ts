import type { Handler, Hono } from 'hono';
import { ServiceError } from '../errors.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** Routes `path`, and answers every other method with 405 and `Allow` (RFC 9110, section 15.5.6). */
// biome-ignore lint/suspicious/noExplicitAny: a route may belong to an application of any environment
export function route(app: Hono<any>, path: string, handlers: Partial<Record<Method, Handler>>): void {
  const allowed = Object.keys(handlers).flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  for (const [method, handler] of Object.entries(handlers)) app.on(method, path, handler);
  app.all(path, (c) => {
    throw new ServiceError(
      'method-not-allowed',
      `${c.req.method} is not answered at ${c.req.path}.`,
      `Use ${allowed.join(' or ')}.`,
      { allow: allowed },
    );
  });
}
