import { z } from 'zod';
import { bytesOfHex } from '../bytes.ts';
import { BoundedCache } from './bounded-cache.ts';
import { databaseAway, unauthorized, unknownKey } from './errors.ts';
import { hashOfKey, idOfKey, KEY_CACHE_SECONDS } from './key.ts';
import type { Scopes } from './scopes.ts';

const MAX_CACHED_KEYS = 1_000;

export interface ApiKey extends Scopes {
  readonly id: string;
  readonly name: string;
  /** Null where there is no quota. */
  readonly imagesPerMonth: number | null;
  /** Hosts that it may have fetched and called back; null for all that are public. */
  readonly urlHosts: readonly string[] | null;
  /** Seconds since 1970. */
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  readonly hash: Uint8Array;
}

const list = z.string().transform((text, context) => {
  const names = z.array(z.string()).safeParse(JSON.parse(text));
  if (names.success) return names.data;
  context.addIssue('not a list of names');
  return z.NEVER;
});

const rowSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    hash: z.string().regex(/^[0-9a-f]{64}$/),
    routes: list,
    models: list,
    images_per_month: z.int().nullable(),
    url_hosts: list.nullable(),
    expires_at: z.int().nullable(),
    revoked_at: z.int().nullable(),
  })
  .transform(
    ({ hash, images_per_month, url_hosts, expires_at, revoked_at, ...rest }): ApiKey => ({
      ...rest,
      hash: bytesOfHex(hash),
      imagesPerMonth: images_per_month,
      urlHosts: url_hosts,
      expiresAt: expires_at,
      revokedAt: revoked_at,
    }),
  );

/** The keys of a deployment, in D1; those that were just used are in memory. */
export class Keys {
  readonly #database: D1Database;
  readonly #cache = new BoundedCache<ApiKey>({ maxValues: MAX_CACHED_KEYS, maxAgeMs: KEY_CACHE_SECONDS * 1000 });

  constructor(database: D1Database) {
    this.#database = database;
  }

  /**
   * The key that a caller presents.
   * @param beforeReading is awaited before the database is asked
   * @throws ServiceError `unauthorized`
   */
  async present(text: string, beforeReading: () => Promise<void>): Promise<ApiKey> {
    const id = idOfKey(text);
    const [key, hash] = await Promise.all([id && this.get(id, beforeReading), hashOfKey(text)]);
    if (!key || !crypto.subtle.timingSafeEqual(key.hash, hash)) throw unknownKey();
    return valid(key);
  }

  /** The key with this id, whatever its state. */
  async get(id: string, beforeReading: () => Promise<void>): Promise<ApiKey | undefined> {
    const known = this.#cache.get(id);
    if (known) return known;
    await beforeReading();
    const row = await this.#database
      .prepare(
        'SELECT id, name, hash, routes, models, images_per_month, url_hosts, expires_at, revoked_at FROM keys WHERE id = ?',
      )
      .bind(id)
      .first()
      .catch(databaseAway);
    if (!row) return undefined;
    const key = rowSchema.parse(row);
    this.#cache.set(id, key);
    return key;
  }
}

/** @throws ServiceError `unauthorized` where it was revoked or has expired */
export function valid(key: ApiKey): ApiKey {
  const { revokedAt, expiresAt } = key;
  if (revokedAt !== null) throw unauthorized('The key was revoked.', 'Ask for a new one.');
  if (expiresAt !== null && expiresAt * 1000 <= Date.now()) {
    throw unauthorized(`The key expired on ${new Date(expiresAt * 1000).toISOString()}.`, 'Ask for a new one.');
  }
  return key;
}
