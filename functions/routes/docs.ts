import type { Hono } from 'hono';
import type { Host } from '../host.ts';
import { pageFiles } from './page-files.ts';

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

/** `/openapi.json`, and `/docs`, a page made from it: files of the build (`deploy/docs.ts`), since making them takes long. */
export function docsRoutes(app: Hono, page: NonNullable<Host['page']>): void {
  pageFiles(app, page, ['/openapi.json', '/docs', '/docs/style.css'], HEADERS);
}
