import { createMiddleware } from 'hono/factory';
import { ServiceError } from '../errors.ts';
import type { Limit } from '../host.ts';

/** Name of a limit, as `RateLimit-Policy` has it. */
type Name = 'key' | 'address' | 'images-per-month';

export interface RateLimitVariables {
  /** Limits that the request was held to: items of `RateLimit-Policy`. */
  policies?: readonly string[];
  /** Of the one that is counted here: an item of `RateLimit`. */
  remaining?: string;
}

/**
 * One request of so many that `bucket` may make in the time of the limit. Workers count them by location, and tell
 * neither how many are left nor when the time is over: to wait for all of it is always enough.
 * @throws ServiceError `rate-limited`
 */
export async function withinLimit(name: Name, limit: Limit, bucket: string): Promise<void> {
  const { success } = await limit.limit({ key: bucket });
  if (success) return;
  throw new ServiceError(
    'rate-limited',
    `There are more than ${limit.requests} requests in ${limit.seconds} s.`,
    'Try again after the seconds that Retry-After says.',
    { retryAfterSeconds: limit.seconds, violatedPolicies: [name] },
  );
}

/** An item of `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10, section 3): at most `quota` in `seconds`. */
export const policyItem = (name: Name, quota: number, seconds?: number): string =>
  `"${name}";q=${quota}${seconds === undefined ? '' : `;w=${seconds}`}`;

/** `RateLimit-Policy` on every answer that was held to a limit, refused or not. */
export const rateLimitHeaders = createMiddleware<{ Variables: RateLimitVariables }>(async (c, next) => {
  await next();
  const policies = c.get('policies');
  const remaining = c.get('remaining');
  if (policies) c.res.headers.set('ratelimit-policy', policies.join(', '));
  if (remaining) c.res.headers.set('ratelimit', remaining);
});

/** Whom a limit by address counts as one: an IPv4 address, or the /64 that a household or a phone has of IPv6. */
export function neighbourhood(address: string): string {
  if (!address.includes(':')) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return mapped;
  const [head = '', tail = ''] = address.toLowerCase().split('::');
  const groups = (text: string) => text.split(':').filter((group) => group !== '');
  const zeros = Math.max(0, 8 - groups(head).length - groups(tail).length);
  const all = [...groups(head), ...Array<string>(zeros).fill('0'), ...groups(tail)];
  return `${all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
