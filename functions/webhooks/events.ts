import { z } from 'zod';

/** How long an event is known: longer than any sender repeats it. */
export const EVENT_DAYS = 90;
/** Who has claimed an event and not come back within this time was interrupted. */
const CLAIM_SECONDS = 30;

/** `taken`: it is for the caller to queue, and to {@link HookEvents.settle} or {@link HookEvents.release}. */
export type Claim = { readonly taken: true } | { readonly taken: false; readonly job: string | null };

const rowSchema = z.object({ job: z.string().nullable() });

/** Events by source and id, so that one that is sent again, by its sender or by somebody who saw it, is not done again. */
export class HookEvents {
  readonly #database: D1Database;

  constructor(database: D1Database) {
    this.#database = database;
  }

  /** Of several at once one takes it. */
  async claim(source: string, id: string): Promise<Claim> {
    const now = Math.floor(Date.now() / 1000);
    const [, claimed, known] = await this.#database.batch([
      this.#database.prepare('DELETE FROM hook_events WHERE expires_at < ?').bind(now),
      this.#database
        .prepare(
          `INSERT INTO hook_events (source, id, claimed_at, expires_at) VALUES (?1, ?2, ?3, ?4)
           ON CONFLICT (source, id) DO UPDATE SET claimed_at = ?3 WHERE job IS NULL AND claimed_at <= ?5 RETURNING job`,
        )
        .bind(source, id, now, now + EVENT_DAYS * 86_400, now - CLAIM_SECONDS),
      this.#database.prepare('SELECT job FROM hook_events WHERE source = ? AND id = ?').bind(source, id),
    ]);
    if (claimed?.results.length) return { taken: true };
    return { taken: false, job: rowSchema.parse(known?.results[0]).job };
  }

  /** @param job what it has become; empty where there was nothing to do */
  async settle(source: string, id: string, job: string): Promise<void> {
    await this.#database
      .prepare('UPDATE hook_events SET job = ?3 WHERE source = ?1 AND id = ?2')
      .bind(source, id, job)
      .run();
  }

  /** It could not be queued: whoever sends it again is heard. */
  async release(source: string, id: string): Promise<void> {
    await this.#database
      .prepare('DELETE FROM hook_events WHERE source = ? AND id = ? AND job IS NULL')
      .bind(source, id)
      .run();
  }
}
