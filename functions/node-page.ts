import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { Host } from './host.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/vnd.microsoft.icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/** Files of the build, as the edge's static assets give them: `/` is `index.html`, `/docs` is `docs.html`. */
export function filePage(folder: string): NonNullable<Host['page']> {
  return async (request) => {
    const { pathname } = new URL(request.url);
    const name = pathname === '/' ? 'index.html' : path.extname(pathname) === '' ? `${pathname}.html` : pathname;
    const file = path.join(folder, name);
    const found = file.startsWith(folder + path.sep) ? await stat(file).catch(() => undefined) : undefined;
    if (!found?.isFile()) return new Response(null, { status: 404 });
    const headers = {
      'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream',
      'content-length': String(found.size),
      'cache-control': 'public, max-age=0, must-revalidate',
    };
    if (request.method === 'HEAD') return new Response(null, { headers });
    return new Response(Readable.toWeb(createReadStream(file)) as ReadableStream<Uint8Array>, { headers });
  };
}
