import { z } from 'zod';
import { ServiceError } from '../errors.ts';
import type { Caller } from './caller.ts';
import { databaseAway } from './errors.ts';
import type { ApiKey } from './keys.ts';

export interface Taken {
  /** How many the key may yet have this month, where it has a quota. */
  readonly left?: number;
  /** What was not answered does not count. */
  giveBack(): Promise<void>;
}

/** How long pictures that nobody waits for are added up before they are written. */
const GATHER_MS = 1_000;
/** A writer that did not come back within this time is gone: in workerd a request whose client left may not run on. */
const LOST_MS = 10_000;

const countSchema = z.object({ images: z.int() });

export const usageSchema = z
  .object({
    key: z.object({ id: z.string(), name: z.string() }),
    month: z.string().meta({ description: 'YYYY-MM, in UTC.' }),
    images: z.object({ used: z.int(), quota: z.int().nullable() }),
    resets_at: z.iso.datetime(),
    token: z.object({ images_left: z.int() }).optional().meta({ description: 'Where a client token asks.' }),
  })
  .meta({ id: 'Usage' });

/**
 * Pictures counted in D1, whose one writer makes each statement atomic.
 *
 * A key with a quota and a client token take their pictures before a model runs, each by one `UPDATE … RETURNING` with
 * the limit in its `WHERE`: of two requests at the last picture one gets it. A key without a quota need not wait: its
 * pictures are added up here for a second, and written by one statement behind the answers.
 */
export class UsageCounter {
  readonly #database: D1Database;
  readonly #later = new Map<string, { keyId: string; month: string; images: number }>();
  #writingSince = Number.NEGATIVE_INFINITY;

  constructor(database: D1Database) {
    this.#database = database;
  }

  /**
   * Takes so many pictures, or none.
   * @param background runs what need not be waited for
   * @throws ServiceError `quota-exceeded`: then nothing was taken
   */
  async take(caller: Caller, background: (work: Promise<void>) => void, images = 1): Promise<Taken> {
    const { key, token } = caller;
    if (!key) return { giveBack: async () => {} };
    const month = monthOf(Date.now());
    if (token !== undefined && !(await this.#takeOfToken(token, images))) throw tokenSpent();
    const fromToken = async () => {
      if (token !== undefined) await this.#takeOfToken(token, -images);
    };
    if (key.imagesPerMonth === null) {
      this.#add(key.id, month, images);
      background(this.#write());
      const giveBack = async () => {
        this.#add(key.id, month, -images);
        background(this.#write());
        await fromToken();
      };
      return { giveBack };
    }
    const used = await this.#takeOfQuota(key.id, month, key.imagesPerMonth, images);
    if (used === undefined) {
      await fromToken();
      throw quotaExceeded(key.imagesPerMonth);
    }
    const giveBack = async () => {
      await this.#addition(key.id, month, -images).run();
      await fromToken();
    };
    return { left: key.imagesPerMonth - used, giveBack };
  }

  /** What a key used in this month. */
  async of({ key, token }: Caller & { readonly key: ApiKey }): Promise<z.infer<typeof usageSchema>> {
    const month = monthOf(Date.now());
    const [used, left] = await this.#database
      .batch([
        this.#database.prepare('SELECT images FROM usage WHERE key_id = ? AND month = ?').bind(key.id, month),
        this.#database.prepare('SELECT images_left AS images FROM tokens WHERE id = ?').bind(token ?? ''),
      ])
      .catch(databaseAway);
    const count = (rows: D1Result | undefined) => countSchema.safeParse(rows?.results[0]).data?.images ?? 0;
    return {
      key: { id: key.id, name: key.name },
      month,
      images: { used: count(used), quota: key.imagesPerMonth },
      resets_at: new Date(endOfMonth(Date.now())).toISOString(),
      ...(token !== undefined && { token: { images_left: count(left) } }),
    };
  }

  async #takeOfToken(id: string, images: number): Promise<boolean> {
    const row = await this.#database
      .prepare(
        'UPDATE tokens SET images_left = images_left - ?2 WHERE id = ?1 AND images_left >= ?2 RETURNING images_left',
      )
      .bind(id, images)
      .first()
      .catch(databaseAway);
    return row !== null;
  }

  /** @returns how many are used then; undefined where the quota is */
  async #takeOfQuota(keyId: string, month: string, quota: number, images: number): Promise<number | undefined> {
    const row = await this.#database
      .prepare(
        `INSERT INTO usage (key_id, month, images) SELECT ?1, ?2, ?4 WHERE ?3 >= ?4
         ON CONFLICT (key_id, month) DO UPDATE SET images = images + ?4 WHERE images + ?4 <= ?3 RETURNING images`,
      )
      .bind(keyId, month, quota, images)
      .first()
      .catch(databaseAway);
    return row === null ? undefined : countSchema.parse(row).images;
  }

  #addition(keyId: string, month: string, images: number): D1PreparedStatement {
    return this.#database
      .prepare(
        `INSERT INTO usage (key_id, month, images) VALUES (?1, ?2, max(?3, 0))
         ON CONFLICT (key_id, month) DO UPDATE SET images = images + ?3`,
      )
      .bind(keyId, month, images);
  }

  #add(keyId: string, month: string, images: number): void {
    const name = `${month} ${keyId}`;
    this.#later.set(name, { keyId, month, images: (this.#later.get(name)?.images ?? 0) + images });
  }

  /** One writer an isolate; what arrives while it gathers or writes is written too. */
  async #write(): Promise<void> {
    if (Date.now() - this.#writingSince < LOST_MS) return;
    try {
      while (this.#later.size > 0) {
        this.#writingSince = Date.now();
        await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
        const counts = [...this.#later.values()];
        this.#later.clear();
        const statements = counts.map(({ keyId, month, images }) => this.#addition(keyId, month, images));
        await this.#database.batch(statements).catch((error: unknown) => {
          for (const { keyId, month, images } of counts) this.#add(keyId, month, images);
          throw error;
        });
      }
    } finally {
      this.#writingSince = Number.NEGATIVE_INFINITY;
    }
  }
}

/** UTC, YYYY-MM. */
const monthOf = (nowMs: number): string => new Date(nowMs).toISOString().slice(0, 7);

export function endOfMonth(nowMs: number): number {
  const now = new Date(nowMs);
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1);
}

function quotaExceeded(quota: number): ServiceError {
  return new ServiceError(
    'quota-exceeded',
    `The key has used the ${quota} pictures that it has a month.`,
    'Ask for a larger quota, or wait for the next month; GET /usage tells both.',
    {
      retryAfterSeconds: Math.ceil((endOfMonth(Date.now()) - Date.now()) / 1000),
      violatedPolicies: ['images-per-month'],
    },
  );
}

function tokenSpent(): ServiceError {
  return new ServiceError(
    'quota-exceeded',
    'The token has no pictures left, or has ended.',
    'Get a new one from whoever gave it out.',
    { violatedPolicies: ['images-per-token'] },
  );
}
