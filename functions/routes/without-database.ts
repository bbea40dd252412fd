import type { Hono } from 'hono';
import { ServiceError } from '../errors.ts';

/** What needs tables, a bucket and a queue. */
const ROUTES = ['/heads', '/heads/*', '/jobs', '/jobs/*', '/hooks/*', '/tokens', '/usage'];

/** A server that has none of these says so, rather than that it knows no such route. */
export function withoutDatabaseRoutes(app: Hono, why: string): void {
  for (const path of ROUTES) {
    app.all(path, (c) => {
      throw new ServiceError(
        'not-offered',
        `${c.req.path} is not offered here: ${why}`,
        'Ask the deployment at the edge.',
      );
    });
  }
}
