import type { Context } from 'hono';
import { tryGetContext } from 'hono/context-storage';
import { createMiddleware } from 'hono/factory';
import type { Authenticator } from '../access/authenticate.ts';
import type { Caller } from '../access/caller.ts';
import { isOpen, mayReach, mayUse } from '../access/scopes.ts';
import { endOfMonth, type Taken, type UsageCounter } from '../access/usage.ts';
import type { Access, Host } from '../host.ts';
import { neighbourhood, policyItem, type RateLimitVariables, withinLimit } from './rate-limit.ts';

export interface AccessVariables extends RateLimitVariables {
  /** Undefined at open addresses, and where everything is open. */
  caller?: Caller;
  /** Pictures that this request took of its caller's quota. */
  taken?: Set<Taken>;
}

type Env = { Variables: AccessVariables };

/**
 * Lets in who may come in. Strangers are limited by address, before a database is asked about them; known callers each
 * on their own; client tokens by both.
 */
export function access({ limits }: Access, authenticator: Authenticator) {
  return createMiddleware<Env>(async (c, next) => {
    const { path } = c.req;
    const byAddress = async () => {
      hold(c, policyItem('address', limits.address.requests, limits.address.seconds));
      // Set by Cloudflare on every request, whatever a client sent under that name.
      await withinLimit('address', limits.address, neighbourhood(c.req.header('cf-connecting-ip') ?? ''));
    };
    if (isOpen(path)) {
      await byAddress();
      return next();
    }
    const caller = await authenticator.callerOf(c.req.raw.headers, byAddress);
    if (caller.token !== undefined && !c.get('policies')) await byAddress();
    hold(c, policyItem('key', limits.key.requests, limits.key.seconds));
    await withinLimit('key', limits.key, caller.id);
    mayReach(caller, path);
    c.set('caller', caller);
    await next();
    if (c.res.status >= 400) await giveAllBack(c);
    c.res.headers.set('cache-control', ofOne(c.res.headers.get('cache-control')));
  });
}

/** What one caller is answered, no cache that others share may keep; what says nothing of caches, none at all. */
const ofOne = (control: string | null): string =>
  control === null || control.includes('no-store') ? 'no-store' : `private, ${control}`;

/** Who the request at work is from; undefined at open addresses, and where everything is open. */
export const callerAtWork = (): Caller | undefined => tryGetContext<Env>()?.get('caller');

/** Whether the caller of the request at work may use a model. @throws ServiceError `forbidden` */
export function callerMayUse(id: string): void {
  const caller = callerAtWork();
  if (caller) mayUse(caller, id);
}

/** Takes pictures, one where it is not said, of the quota of the caller of the request at work. @returns what gives it back */
export function takingOf(usage: UsageCounter, log: Host['log']): (images?: number) => Promise<() => Promise<void>> {
  return async (images = 1) => {
    const c = tryGetContext<Env>();
    const caller = c?.get('caller');
    if (!c || !caller) return async () => {};
    const later = (work: Promise<void>) =>
      inBackground(
        c,
        work.catch((error: unknown) => log({ error: `usage was not written: ${error}` })),
      );
    const taken = await usage.take(caller, later, images);
    noteQuota(c, caller, taken);
    const all = c.get('taken') ?? new Set();
    c.set('taken', all.add(taken));
    return async () => {
      if (all.delete(taken)) await taken.giveBack();
    };
  };
}

/** Only what was answered counts. */
async function giveAllBack(c: Context<Env>): Promise<void> {
  const all = c.get('taken') ?? new Set();
  for (const taken of all) await taken.giveBack();
  all.clear();
}

function noteQuota(c: Context<Env>, { key }: Caller, { left }: Taken): void {
  if (left === undefined || !key || key.imagesPerMonth === null) return;
  const name = 'images-per-month';
  if (c.get('remaining') === undefined) hold(c, policyItem(name, key.imagesPerMonth));
  c.set('remaining', `"${name}";r=${left};t=${Math.ceil((endOfMonth(Date.now()) - Date.now()) / 1000)}`);
}

const hold = (c: Context<Env>, policy: string) => c.set('policies', [...(c.get('policies') ?? []), policy]);

/** Goes on after the answer, where the platform can; a test without one lets it run by itself. */
function inBackground(c: Context, work: Promise<void>): void {
  try {
    c.executionCtx.waitUntil(work);
  } catch {
    // Hono has no execution context outside a Worker.
  }
}
