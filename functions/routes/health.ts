import type { Hono } from 'hono';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { route } from './methods.ts';

/** Live: the isolate answers. Ready: it can also read which models there are. */
export function healthRoutes(app: Hono, catalogue: Catalogue): void {
  route(app, '/health/live', { GET: (c) => c.json({ live: true }) });
  route(app, '/health/ready', { GET: async (c) => c.json({ ready: true, models: (await catalogue.ids()).length }) });
}
