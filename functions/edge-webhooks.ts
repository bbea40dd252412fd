import type { Host } from './host.ts';
import { parseSigningSecret } from './webhooks/sign.ts';

/** What `npm start` writes into `.dev.vars`; a deployment has the first only, from `wrangler secret put`. */
export interface WebhookEnv {
  readonly DB?: D1Database;
  /** `whsec_…`: signs callbacks where access is off, and encrypts the secrets of owners and sources. */
  readonly WEBHOOK_SECRET?: string;
  /** `on` for development: pictures and callbacks at http://localhost and 127.0.0.1. */
  readonly HTTP_LOOPBACK?: string;
}

/** @throws Error where the secret is none: better no service than callbacks that nobody can verify */
export function edgeWebhooks({
  DB,
  WEBHOOK_SECRET,
  HTTP_LOOPBACK,
}: WebhookEnv): Pick<Host, 'webhooks' | 'receipts' | 'httpLoopback'> {
  if (WEBHOOK_SECRET !== undefined && parseSigningSecret(WEBHOOK_SECRET).kind !== 'hmac') {
    throw new Error('WEBHOOK_SECRET begins with whsec_');
  }
  return {
    httpLoopback: HTTP_LOOPBACK === 'on',
    ...(WEBHOOK_SECRET !== undefined && { receipts: { secret: WEBHOOK_SECRET } }),
    ...(DB && WEBHOOK_SECRET !== undefined && { webhooks: { database: DB, secret: WEBHOOK_SECRET } }),
  };
}
