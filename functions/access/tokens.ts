import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { ServiceError } from '../errors.ts';
import type { Caller } from './caller.ts';
import { databaseAway, refusedToken } from './errors.ts';
import type { ApiKey, Keys } from './keys.ts';
import { valid } from './keys.ts';
import { both, mayUse } from './scopes.ts';

export const MAX_TOKEN_SECONDS = 3_600;
const MAX_TOKEN_IMAGES = 10_000;
/** Who issues them, and for whom: the same service. No token of anybody else says so. */
const SERVICE = 'urn:edge-classifier';
/** Tells them from the JWTs of others (RFC 8725, section 3.11). */
export const TOKEN_TYPE = 'client+jwt';
const ALGORITHM = 'HS256';
/** What an app may call with one; no further tokens, no metrics. */
const ROUTES = ['classify', 'embed', 'models', 'v1', 'v2', 'hf'];

const origin = z
  .string()
  .max(200)
  .refine(isOrigin, 'expected an origin, as https://app.example')
  .meta({ description: 'The only web page that may use it. Without one no page may, only apps that send no Origin.' });

export const tokenRequestSchema = z
  .strictObject({
    models: z
      .array(z.string().min(1).max(63))
      .min(1)
      .max(50)
      .meta({ description: 'Ids of the models that it is for.' }),
    images: z.int().min(1).max(MAX_TOKEN_IMAGES).meta({ description: 'How many pictures it may ask about, in all.' }),
    origin: origin.optional(),
    seconds: z
      .int()
      .min(1)
      .max(MAX_TOKEN_SECONDS)
      .default(MAX_TOKEN_SECONDS)
      .meta({ description: 'How long it lives.' }),
  })
  .meta({ id: 'TokenRequest' });
export type TokenRequest = z.infer<typeof tokenRequestSchema>;

export const issuedTokenSchema = z
  .object({ token: z.string(), expires_at: z.iso.datetime(), images: z.int() })
  .meta({ id: 'IssuedToken', description: 'The token is sent as "Authorization: Bearer <token>".' });

const claimsSchema = z.object({
  sub: z.string(),
  jti: z.uuid(),
  models: z.array(z.string()),
  origin: z.string().nullable(),
});

/** Short-lived tokens for apps, so that no key is shipped in one. The count of pictures stands in D1, all else in the JWT. */
export class Tokens {
  readonly #database: D1Database;
  readonly #keys: Keys;
  readonly #secret: Uint8Array | undefined;

  constructor(parts: { database: D1Database; keys: Keys; secret: string | undefined }) {
    this.#database = parts.database;
    this.#keys = parts.keys;
    this.#secret = parts.secret === undefined ? undefined : new TextEncoder().encode(parts.secret);
  }

  /** @throws ServiceError `forbidden` for a model that the key may not use; `tokens-unavailable` */
  async issue(key: ApiKey, asked: TokenRequest): Promise<z.infer<typeof issuedTokenSchema>> {
    if (!this.#secret) throw unavailable();
    for (const model of asked.models) mayUse(key, model);
    const id = crypto.randomUUID();
    const now = Math.floor(Date.now() / 1000);
    // It never outlives its key.
    const expiresAt = Math.min(now + asked.seconds, key.expiresAt ?? Number.POSITIVE_INFINITY);
    await this.#database
      .batch([
        this.#database.prepare('DELETE FROM tokens WHERE expires_at < ?').bind(now),
        this.#database
          .prepare('INSERT INTO tokens (id, key_id, images_left, expires_at) VALUES (?, ?, ?, ?)')
          .bind(id, key.id, asked.images, expiresAt),
      ])
      .catch(databaseAway);
    const token = await new SignJWT({ models: asked.models, origin: asked.origin ?? null })
      .setProtectedHeader({ alg: ALGORITHM, typ: TOKEN_TYPE })
      .setIssuer(SERVICE)
      .setAudience(SERVICE)
      .setSubject(key.id)
      .setJti(id)
      .setIssuedAt(now)
      .setExpirationTime(expiresAt)
      .sign(this.#secret);
    return { token, expires_at: new Date(expiresAt * 1000).toISOString(), images: asked.images };
  }

  /**
   * @param from the header `Origin`, null where there is none
   * @throws ServiceError `unauthorized`, also when its key was revoked; `forbidden` from another origin
   */
  async present(token: string, from: string | null, beforeReading: () => Promise<void>): Promise<Caller> {
    if (!this.#secret) throw refusedToken('this service gives out none');
    const { payload } = await jwtVerify(token, this.#secret, {
      algorithms: [ALGORITHM],
      typ: TOKEN_TYPE,
      issuer: SERVICE,
      audience: SERVICE,
      maxTokenAge: MAX_TOKEN_SECONDS,
      requiredClaims: ['exp'],
    }).catch((error: unknown) => {
      throw refusedToken(error instanceof errors.JWTExpired ? 'it has expired' : 'it is not of this service', error);
    });
    const { sub, jti, models, origin } = claimsSchema.parse(payload);
    if (from !== origin) throw otherOrigin(origin);
    const key = await this.#keys.get(sub, beforeReading);
    if (!key) throw refusedToken('its key is gone');
    valid(key);
    return { id: `token:${jti}`, key, token: jti, models: both(key.models, models), routes: both(key.routes, ROUTES) };
  }
}

function isOrigin(text: string): boolean {
  try {
    return new URL(text).origin === text;
  } catch {
    return false;
  }
}

function otherOrigin(origin: string | null): ServiceError {
  return new ServiceError(
    'forbidden',
    origin === null ? 'The token is for an app, and a web page sends it.' : `The token is for pages of ${origin}.`,
    'Ask for a token with the origin of the page that uses it.',
  );
}

function unavailable(): ServiceError {
  return new ServiceError(
    'tokens-unavailable',
    'This deployment has no secret to sign tokens with.',
    'Whoever runs it sets one of at least 32 characters: npx wrangler secret put TOKEN_SECRET.',
  );
}
