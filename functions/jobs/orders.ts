import { sha256Hex } from '../bytes.ts';
import { ServiceError } from '../errors.ts';
import { checkedAddress, type UrlRules } from '../input/fetch-url.ts';
import { type Order, randomId } from './job.ts';
import { laidOut, putPictures } from './pictures.ts';
import type { JobStore } from './store.ts';

const utf8 = new TextEncoder();
const KEY_HOURS = 24;
/** Who claimed a key and did not come back within this time was interrupted. */
const CLAIM_MS = 60_000;
const MAX_KEY_LENGTH = 255;
const MAX_METADATA = 16_384;

export interface Accepted {
  readonly id: string;
  /** The same order was here before. */
  readonly repeated: boolean;
}

interface Parts {
  readonly store: JobStore;
  readonly bucket: R2Bucket;
  readonly rulesOf: (owner: string) => Promise<UrlRules>;
  /** @throws ServiceError where there is no such model, or it is not for the caller at work */
  readonly mayUse: (model: string) => Promise<void>;
}

/** Orders → jobs in D1, whose bytes are in R2 before. */
export class Orders {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * @param context.charge is awaited for what is new, before it is stored
   * @throws ServiceError
   */
  async create(
    owner: string,
    order: Order,
    context: { key?: string | undefined; origin?: string | undefined; charge?: (images: number) => Promise<void> },
  ): Promise<Accepted> {
    const { store, rulesOf, mayUse } = this.#parts;
    await mayUse(order.model);
    const metadata = order.metadata && JSON.stringify(order.metadata);
    if (metadata && metadata.length > MAX_METADATA)
      throw bad('#/metadata', `is longer than ${MAX_METADATA} characters`);
    const rules = await rulesOf(owner);
    if (order.callback_url !== undefined) at('#/callback_url', () => checkedAddress(order.callback_url ?? '', rules));
    const images: { name: string; hash: string | null; url: string | null }[] = [];
    /** Pictures that came with the order, by hash: their lengths, and what gives their bytes again. */
    const given = new Map<string, { bytes: number; read: () => Uint8Array<ArrayBuffer> }>();
    for (const [i, image] of order.images.entries()) {
      const name = image.id ?? String(i);
      if ('url' in image) {
        images.push({ name, hash: null, url: image.url });
        continue;
      }
      const bytes = at(`#/images/${i}`, image.bytes);
      const hash = await sha256Hex(bytes);
      images.push({ name, hash, url: null });
      given.set(hash, { bytes: bytes.length, read: image.bytes });
    }
    if (new Set(images.map(({ name }) => name)).size < images.length) throw bad('#/images', 'has an id twice');
    const { model, top_k: topK, callback_url: callback } = order;
    const fingerprint = await sha256Hex(
      new Uint8Array(utf8.encode(JSON.stringify([model, images, topK, callback, metadata]))),
    );
    const id = randomId('job');
    const key = context.key === undefined ? undefined : bare(context.key);
    if (key !== undefined) {
      const before = await this.#claim(owner, key, fingerprint, id);
      if (before) return { id: before, repeated: true };
    }
    try {
      await context.charge?.(images.length);
      const spans = await this.#store(id, given);
      const now = Date.now();
      const [made] = await store.database.batch([
        // Not where the claim to its key was taken over meanwhile: there would be two jobs of one order.
        store.database
          .prepare(
            `INSERT INTO jobs (id, owner, state, model, top_k, callback_url, metadata, origin, created_at, due_at, woken_at)
             SELECT ?1, ?2, 'queued', ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?8
             WHERE ?9 IS NULL OR EXISTS (SELECT 1 FROM idempotency WHERE owner = ?2 AND key = ?9 AND job = ?1)`,
          )
          .bind(
            id,
            owner,
            model,
            topK ?? null,
            callback ?? null,
            metadata ?? null,
            context.origin ?? null,
            now,
            key ?? null,
          ),
        store.database
          .prepare(
            `INSERT INTO job_images (job, position, name, hash, url, at, bytes)
             SELECT ?1, key, value ->> 'name', value ->> 'hash', value ->> 'url', value ->> 'at', value ->> 'bytes'
             FROM json_each(?2)
             WHERE EXISTS (SELECT 1 FROM jobs WHERE id = ?1)`,
          )
          .bind(id, JSON.stringify(images.map((image) => ({ ...image, ...spans.get(image.hash ?? '') })))),
        store.database
          .prepare('DELETE FROM uploads WHERE job = ?1 AND EXISTS (SELECT 1 FROM jobs WHERE id = ?1)')
          .bind(id),
        store.database
          .prepare('UPDATE idempotency SET accepted = 1 WHERE owner = ? AND key = ? AND job = ?')
          .bind(owner, key ?? '', id),
      ]);
      if (made?.meta.changes === 0) throw atWork();
    } catch (error) {
      if (key !== undefined) await this.#release(owner, key, id);
      throw error;
    }
    return { id, repeated: false };
  }

  /** Puts what came with an order into the bucket. @returns where it lies there, by hash */
  async #store(id: string, given: ReadonlyMap<string, { bytes: number; read: () => Uint8Array<ArrayBuffer> }>) {
    const { store, bucket } = this.#parts;
    const { spans, totalBytes } = laidOut(Array.from(given, ([hash, { bytes }]) => ({ hash, bytes })));
    if (given.size > 0) {
      await store.beginUpload(id);
      await putPictures(
        bucket,
        id,
        totalBytes,
        Array.from(given.values(), ({ read }) => read),
      );
    }
    return spans;
  }

  /** @returns the job of the same order. @throws ServiceError where it is another, or still at work */
  async #claim(owner: string, key: string, fingerprint: string, id: string): Promise<string | undefined> {
    const { database } = this.#parts.store;
    const now = Date.now();
    const [claimed, known] = await database.batch<{ fingerprint: string; job: string; accepted: number }>([
      database
        .prepare(
          `INSERT INTO idempotency (owner, key, fingerprint, job, claimed_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
           ON CONFLICT (owner, key) DO UPDATE SET fingerprint = ?3, job = ?4, claimed_at = ?5, expires_at = ?6, accepted = 0
           WHERE idempotency.expires_at <= ?5 OR (accepted = 0 AND claimed_at <= ?7) RETURNING fingerprint, job, accepted`,
        )
        .bind(owner, key, fingerprint, id, now, now + KEY_HOURS * 3_600_000, now - CLAIM_MS),
      database
        .prepare('SELECT fingerprint, job, accepted FROM idempotency WHERE owner = ? AND key = ?')
        .bind(owner, key),
    ]);
    const before = known?.results[0];
    if (claimed?.results.length || !before) return undefined;
    if (before.fingerprint !== fingerprint) throw mismatch();
    if (before.accepted === 0) throw atWork();
    return before.job;
  }

  async #release(owner: string, key: string, job: string): Promise<void> {
    await this.#parts.store.database
      .prepare('DELETE FROM idempotency WHERE owner = ? AND key = ? AND job = ? AND accepted = 0')
      .bind(owner, key, job)
      .run();
  }
}

/** draft-ietf-httpapi-idempotency-key-header has it quoted, Stripe bare: both are the same. */
function bare(key: string): string {
  const value = /^"(.*)"$/.exec(key.trim())?.[1]?.replaceAll(/\\(.)/g, '$1') ?? key.trim();
  if (value.length > 0 && value.length <= MAX_KEY_LENGTH) return value;
  throw new ServiceError(
    'bad-request',
    `The Idempotency-Key is empty or longer than ${MAX_KEY_LENGTH} characters.`,
    'Send a UUID.',
  );
}

/** Says which field an error is of. */
function at<T>(pointer: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const { code, what, todo, message } = error;
    throw new ServiceError(code, what, todo, { fields: [{ detail: message, pointer }], cause: error });
  }
}

const bad = (pointer: string, detail: string): ServiceError =>
  new ServiceError('bad-json', `The order is not of the right form (${pointer} ${detail}).`, '/docs describes it.', {
    fields: [{ detail, pointer }],
  });

const mismatch = (): ServiceError =>
  new ServiceError(
    'idempotency-mismatch',
    'This Idempotency-Key was sent with another order.',
    `Take a new key for each order; one is kept ${KEY_HOURS} hours.`,
  );

const atWork = (): ServiceError =>
  new ServiceError(
    'idempotency-busy',
    'The first request with this Idempotency-Key is still at work.',
    'Send it again.',
    {
      retryAfterSeconds: 1,
    },
  );
