import { createMiddleware } from 'hono/factory';

/** An answer to a program: nothing in it is ever run or framed. Pages bring a policy of their own. */
const HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'strict-transport-security': 'max-age=31536000',
} as const;

const POLICY = 'content-security-policy';
const all = Object.entries(HEADERS);

export const securityHeaders = createMiddleware(async (c, next) => {
  await next();
  const { headers } = c.res;
  const isPage = headers.has(POLICY);
  for (const [name, value] of all) if (!isPage || !headers.has(name)) headers.set(name, value);
});
