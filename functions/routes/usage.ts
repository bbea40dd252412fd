import type { Hono } from 'hono';
import { callerOf } from '../access/caller.ts';
import type { UsageCounter } from '../access/usage.ts';
import { ServiceError } from '../errors.ts';
import { route } from './methods.ts';

/** `GET /usage`: how many pictures the caller's key had answered this month, and how many it may. */
export function usageRoute(app: Hono, usage: UsageCounter): void {
  route(app, '/usage', {
    GET: async (c) => {
      const caller = callerOf(c);
      const key = caller?.key;
      if (!caller || !key) {
        throw new ServiceError(
          'forbidden',
          'Pictures are counted for keys only.',
          'Call with a key or a token of one.',
        );
      }
      return c.json(await usage.of({ ...caller, key }));
    },
  });
}
