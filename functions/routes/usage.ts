import type { Hono } from 'hono';
import type { Caller } from '../access/caller.ts';
import type { UsageCounter } from '../access/usage.ts';
import { ServiceError } from '../errors.ts';
import { route } from './methods.ts';

/** `GET /usage`: how many pictures the caller's key had answered this month, and how many it may. */
export function usageRoute(app: Hono<{ Variables: { caller?: Caller } }>, usage: UsageCounter): void {
  route(app, '/usage', {
    GET: async (c) => {
      const caller = c.get('caller');
      const key = caller?.key;
      if (!caller || !key) {
        throw new ServiceError('forbidden', 'Pictures are counted for keys only.', 'Call with a key or a token of one.');
      }
      return c.json(await usage.of({ ...caller, key }));
    },
  });
}
