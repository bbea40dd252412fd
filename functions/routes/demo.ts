import type { Hono } from 'hono';
import type { Host } from '../host.ts';
import { pageFiles } from './page-files.ts';

/** The page runs nothing that it did not bring itself, and shows pictures that the visitor gave it. */
const HEADERS = {
  'content-security-policy':
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'geolocation=(), microphone=()',
};

/** `/` and the files of the page; nothing else that is staged beside them is public. */
export function demoRoutes(app: Hono, page: NonNullable<Host['page']>): void {
  pageFiles(app, page, ['/', '/page/*', '/samples/*', '/favicon.ico'], HEADERS);
}
