import type { ApiKey } from './keys.ts';
import type { Scopes } from './scopes.ts';

/** Who a request is from, once that is proven. */
export interface Caller extends Scopes {
  /** For logs and rate limits: `key:…`, `token:…`, `jwt:…`. Nothing secret. */
  readonly id: string;
  /** The key, or that which the token came from: its pictures are counted on it. A JWT of others has none. */
  readonly key?: ApiKey;
  /** The client token, by its `jti`. */
  readonly token?: string;
}

/** Of the request at work. Undefined at open addresses, and where everything is open. */
export const callerOf = (c: { get(name: 'caller'): unknown }): Caller | undefined =>
  c.get('caller') as Caller | undefined;
