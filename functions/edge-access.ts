import { z } from 'zod';
import type { Host, Limit } from './host.ts';

/** Bindings and variables that say who may call; `wrangler.toml` has them, secrets come from `wrangler secret put`. */
export interface AccessEnv {
  /** `on` or `off`. Whatever else it is, also missing, the Worker answers nobody. */
  readonly ACCESS?: string;
  readonly DB?: D1Database;
  readonly KEY_LIMIT?: RateLimit;
  readonly ADDRESS_LIMIT?: RateLimit;
  readonly RATE_LIMITS?: unknown;
  readonly TOKEN_SECRET?: string;
  readonly JWT_ISSUER?: string;
  readonly JWT_AUDIENCE?: string;
  readonly JWT_JWKS?: string;
  readonly CORS_ORIGINS?: string;
}

/** What the bindings do not tell: their own numbers. */
const limit = z.strictObject({ requests: z.int().positive(), seconds: z.union([z.literal(10), z.literal(60)]) });
const limitsSchema = z.strictObject({ key: limit, address: limit });

/** Where Cloudflare Access has the public keys of a team. */
const ACCESS_CERTIFICATES = '/cdn-cgi/access/certs';
const MIN_SECRET_LENGTH = 32;

/** @throws Error where the configuration is not whole: then nobody comes in */
export function edgeAccess(env: AccessEnv): Pick<Host, 'access' | 'corsOrigins'> {
  const corsOrigins = (env.CORS_ORIGINS ?? '').split(/[\s,]+/).filter((origin) => origin !== '');
  if (env.ACCESS === 'off') return { corsOrigins };
  if (env.ACCESS !== 'on') throw new Error(`the variable ACCESS is "${env.ACCESS}": set it to on or off`);
  const { DB, KEY_LIMIT, ADDRESS_LIMIT, TOKEN_SECRET } = env;
  if (!DB || !KEY_LIMIT || !ADDRESS_LIMIT)
    throw new Error('ACCESS is on without the bindings DB, KEY_LIMIT, ADDRESS_LIMIT');
  if (TOKEN_SECRET !== undefined && TOKEN_SECRET.length < MIN_SECRET_LENGTH) {
    throw new Error(`TOKEN_SECRET has fewer than ${MIN_SECRET_LENGTH} characters`);
  }
  const limits = limitsSchema.parse(env.RATE_LIMITS);
  const withBinding = (numbers: z.infer<typeof limit>, binding: RateLimit): Limit => ({
    ...numbers,
    limit: (of) => binding.limit(of),
  });
  return {
    corsOrigins,
    access: {
      database: DB,
      tokenSecret: TOKEN_SECRET,
      jwt: jwtOf(env),
      limits: { key: withBinding(limits.key, KEY_LIMIT), address: withBinding(limits.address, ADDRESS_LIMIT) },
    },
  };
}

function jwtOf({ JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWT_JWKS: jwks }: AccessEnv) {
  if (!issuer && !audience && !jwks) return undefined;
  // A token for another application of the same issuer must not pass.
  if (!issuer || !audience) throw new Error('JWT_ISSUER and JWT_AUDIENCE are set together');
  return { issuer, audience, jwks: new URL(jwks || `${issuer.replace(/\/$/, '')}${ACCESS_CERTIFICATES}`) };
}
