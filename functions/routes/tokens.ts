import type { Hono } from 'hono';
import { callerOf } from '../access/caller.ts';
import { type Tokens, tokenRequestSchema } from '../access/tokens.ts';
import { ServiceError } from '../errors.ts';
import { readBody } from '../input/body.ts';
import { checked, parseJsonBody } from '../input/json.ts';
import { route } from './methods.ts';

const MAX_BYTES = 16_384;
const TODO = 'Send {"models": ["<id>"], "images": 100, "origin": "https://app.example", "seconds": 900}.';

/** `POST /tokens`: a server that has a key gets a short-lived token for its app. */
export function tokenRoute(app: Hono, tokens: Tokens): void {
  route(app, '/tokens', {
    POST: async (c) => {
      const { key, token } = callerOf(c) ?? {};
      if (!key || token !== undefined) throw needsKey();
      const body = parseJsonBody(await readBody(c.req.raw, MAX_BYTES), { todo: TODO });
      return c.json(await tokens.issue(key, checked(tokenRequestSchema, body, TODO)), 201);
    },
  });
}

function needsKey(): ServiceError {
  return new ServiceError('forbidden', 'Only a key gets tokens.', 'Call with a key that has the route "tokens".');
}
