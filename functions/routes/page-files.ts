import type { Hono } from 'hono';
import type { Host } from '../host.ts';
import { route } from './methods.ts';

/** Routes to files of the build, each answer with `headers`. @param paths as Hono matches them */
export function pageFiles(
  app: Hono,
  page: NonNullable<Host['page']>,
  paths: readonly string[],
  headers: Readonly<Record<string, string>>,
): void {
  for (const path of paths) {
    route(app, path, {
      GET: async (c) => {
        const file = await page(c.req.raw);
        if (file.status >= 400) return c.notFound();
        const response = new Response(file.body, file);
        for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
        return response;
      },
    });
  }
}
