import type { Context, Hono } from 'hono';
import type { z } from 'zod';
import { type Caller, callerOf } from '../access/caller.ts';
import { ownerOf } from '../access/owner.ts';
import type { Embedded } from '../classify/classify.ts';
import { type Problem, ServiceError } from '../errors.ts';
import { type Addition, headBodySchema, headIdSchema, headLabelSchema, MAX_PICTURES } from '../heads/head.ts';
import type { Heads } from '../heads/heads.ts';
import { readBody } from '../input/body.ts';
import type { UrlRules } from '../input/fetch-url.ts';
import { picturesOf } from '../input/images.ts';
import { checked, parseJsonBody } from '../input/json.ts';
import { route } from './methods.ts';
import { eachOf } from './several.ts';

const MAX_BODY_BYTES = 4_096;
const TODO = 'Send {"base": "<model>"}, one of GET /models that has an embedding.';

/**
 * `/heads`: classes of callers' own, each caller's apart.
 * @param problemOf what an error is in HTTP's terms
 * @param urlRules which addresses a caller may have fetched
 */
export function headsRoute(
  app: Hono,
  heads: Heads,
  problemOf: (error: unknown) => Problem,
  urlRules: (caller: Caller | undefined) => UrlRules,
): void {
  const owner = (c: Context) => ownerOf(callerOf(c));
  const id = (c: Context) => named(headIdSchema, c.req.param('id'), 'head');
  const label = (c: Context) => named(headLabelSchema, c.req.param('label'), 'class');
  route(app, '/heads', { GET: async (c) => c.json({ heads: await heads.list(owner(c)) }) });
  route(app, '/heads/:id', {
    PUT: async (c) => {
      const body = parseJsonBody(await readBody(c.req.raw, MAX_BODY_BYTES), { todo: TODO });
      return c.json(await heads.put(owner(c), id(c), checked(headBodySchema, body, TODO).base));
    },
    GET: async (c) => c.json(await heads.get(owner(c), id(c))),
    DELETE: async (c) => {
      await heads.remove(owner(c), id(c));
      return c.body(null, 204);
    },
  });
  route(app, '/heads/:id/classes/:label', {
    POST: async (c) => {
      const [whose, head, name] = [owner(c), id(c), label(c)];
      // Before anything is decoded.
      await heads.get(whose, head);
      const { pictures, several, options } = await picturesOf(c.req.raw, urlRules(callerOf(c)), MAX_PICTURES);
      if (Object.keys(options).length > 0) throw noOptions(Object.keys(options));
      const embed = (_: string, image: Uint8Array<ArrayBuffer>) => heads.embedding(whose, head, image);
      const seen = several
        ? (await eachOf(head, pictures, embed, problemOf)).results
        : [await embed(head, await pictures[0]())];
      const good = seen.filter((one): one is Embedded => !('error' in one));
      const changed = good.length > 0 ? await heads.add(whose, head, name, good) : await heads.get(whose, head);
      const results = seen.map((one) => ('error' in one ? one : { status: 200 as const }));
      return c.json({ head: changed, label: name, added: good.length, results } satisfies Addition);
    },
    DELETE: async (c) => c.json(await heads.removeClass(owner(c), id(c), label(c))),
  });
}

function named<T extends z.ZodType>(schema: T, value: string | undefined, what: string): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ServiceError(
    'bad-request',
    `That is no name of a ${what}: ${parsed.error.issues.map(({ message }) => message).join('; ')}.`,
    `Write the name of the ${what} in the address, percent-encoded where it has to be.`,
  );
}

const noOptions = (names: readonly string[]): ServiceError =>
  new ServiceError('bad-option', `Pictures to learn from have no ${names.join(', ')}.`, 'Leave it out.');
