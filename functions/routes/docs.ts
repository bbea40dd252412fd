import type { Hono } from 'hono';
import type { Host } from '../host.ts';
import { route } from './methods.ts';

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

/** `/openapi.json`, and `/docs`, a page made from it: files of the build (`deploy/docs.ts`), since making them takes long. */
export function docsRoutes(app: Hono, page: NonNullable<Host['page']>): void {
  for (const path of ['/openapi.json', '/docs', '/docs/style.css']) {
    route(app, path, {
      GET: async (c) => {
        const file = await page(c.req.raw);
        if (file.status >= 400) return c.notFound();
        const response = new Response(file.body, file);
        for (const [name, value] of Object.entries(HEADERS)) response.headers.set(name, value);
        return response;
      },
    });
  }
}
