import type { Hono } from 'hono';
import type { Host } from '../host.ts';
import { pageFiles } from './page-files.ts';

const POLICY =
  "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * The page runs nothing that it did not bring itself, and shows pictures that the visitor gave it. It is isolated from
 * other origins: shared memory, which threads need, is for such pages alone.
 */
const HEADERS = {
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'geolocation=(), microphone=()',
};

/** Of the page's Web Workers, which alone compile WebAssembly. */
const ENGINE_HEADERS = { ...HEADERS, 'content-security-policy': `${POLICY}; script-src 'self' 'wasm-unsafe-eval'` };

/** `/` and the files of the page; nothing else that is staged beside them is public. */
export function demoRoutes(app: Hono, page: NonNullable<Host['page']>): void {
  pageFiles(app, page, ['/page/engine.js', '/page/thread.js'], ENGINE_HEADERS);
  pageFiles(app, page, ['/page/offline.js'], { ...HEADERS, 'service-worker-allowed': '/' });
  pageFiles(app, page, ['/', '/page/*', '/samples/*', '/favicon.ico'], HEADERS);
}
