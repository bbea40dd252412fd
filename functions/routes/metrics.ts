import type { Hono } from 'hono';
import { route } from './methods.ts';

/** Prometheus' exposition format. */
const TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** `GET /metrics`: where access is on, for callers with that route. @param text what there is to tell now */
export function metricsRoute(app: Hono, text: () => string): void {
  route(app, '/metrics', {
    GET: (c) => c.body(text(), 200, { 'content-type': TYPE, 'cache-control': 'no-store' }),
  });
}
