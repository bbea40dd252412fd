import type { Hono } from 'hono';
import { z } from 'zod';
import { ServiceError } from '../errors.ts';
import { readBody } from '../input/body.ts';
import { HookEvents } from '../webhooks/events.ts';
import { type Mapped, mapped } from '../webhooks/mapping.ts';
import { type HookSource, HookSources } from '../webhooks/sources.ts';
import { verifiedId } from '../webhooks/verify.ts';
import { route } from './methods.ts';

/** Senders with more to say send addresses of it. */
export const MAX_EVENT_BYTES = 1_000_000;

export interface HookOrder extends Mapped {
  readonly model: string;
  readonly top_k?: number | undefined;
  readonly callback_url?: string | undefined;
}

/** Takes orders, and returns as soon as they are safe; for the same key the same job. */
export interface TakesOrders {
  create(
    owner: string,
    order: HookOrder,
    context: { readonly key: string; readonly origin: string },
  ): Promise<{ readonly id: string }>;
}

export const hookAnswerSchema = z
  .object({
    job: z.string().nullable().meta({ description: 'What the event has become, for GET /jobs/{id}.' }),
    repeated: z.boolean().meta({ description: 'It was here before, and was not done again.' }),
    ignored: z.string().optional().meta({ description: 'Why there was nothing to do.' }),
  })
  .meta({ id: 'HookAnswer' });
type HookAnswer = z.infer<typeof hookAnswerSchema>;

/** `POST /hooks/{source}`: signed events of others become jobs. No key is asked for; the signature is the proof. */
export function hooksRoute(
  app: Hono,
  { database, secret, jobs }: { database: D1Database; secret: string; jobs: TakesOrders },
): void {
  const sources = new HookSources({ database, worker: secret });
  const events = new HookEvents(database);
  route(app, '/hooks/:source', {
    POST: async (c) => {
      const source = await sources.find(c.req.param('source') ?? '');
      if (!source) return c.notFound();
      const body = await readBody(c.req.raw, MAX_EVENT_BYTES);
      const nowSeconds = Math.floor(Date.now() / 1000);
      const id = await verifiedId(source.scheme, await sources.secretsOf(source), c.req.raw.headers, body, nowSeconds);
      const answer = await taken(source, { id, body, origin: new URL(c.req.url).origin });
      if (answer.job) c.header('location', `/jobs/${answer.job}`);
      return c.json(answer, 202);
    },
  });

  async function taken(
    source: HookSource,
    { id, body, origin }: { id: string; body: Uint8Array; origin: string },
  ): Promise<HookAnswer> {
    const claim = await events.claim(source.name, id);
    if (!claim.taken) {
      if (claim.job === null) throw atWork();
      return { job: claim.job || null, repeated: true };
    }
    const released = () => events.release(source.name, id);
    const asked = await orElse(() => mapped(source.orders.mapping, parsed(body)), released);
    if ('ignored' in asked) {
      await events.settle(source.name, id, '');
      return { job: null, repeated: false, ignored: asked.ignored };
    }
    const { mapping: _, ...orders } = source.orders;
    const order = { ...orders, ...asked };
    const context = { key: `hook:${source.name}:${id}`, origin };
    const job = await orElse(() => jobs.create(source.owner, order, context), released);
    await events.settle(source.name, id, job.id);
    return { job: job.id, repeated: false };
  }
}

async function orElse<T>(work: () => T | Promise<T>, undo: () => Promise<void>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await undo();
    throw error;
  }
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(body));
  } catch (cause) {
    throw new ServiceError('bad-json', 'The event is no JSON in UTF-8.', 'Let the sender send application/json.', {
      cause,
    });
  }
}

function atWork(): ServiceError {
  return new ServiceError('busy', 'This event is being taken already.', 'Send it again, should no answer come.', {
    retryAfterSeconds: 5,
  });
}
