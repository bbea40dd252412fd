import { z } from 'zod';
import { placeOfSecret, unseal } from './sealed.ts';
import { parseSigningSecret, type SigningSecret } from './sign.ts';

const rowSchema = z.object({ id: z.string(), sealed: z.string() });

/** Secrets that callbacks are signed with: those of each owner in D1, encrypted with the Worker's own. */
export class WebhookSecrets {
  readonly #parts: { readonly database: D1Database; readonly worker: string | undefined; readonly open: boolean };

  /**
   * @param parts.worker WEBHOOK_SECRET, `whsec_…`: encrypts the secrets of owners; without one nothing is signed
   * @param parts.open where access is off there are no owners, and callbacks are signed with WEBHOOK_SECRET itself
   */
  constructor(parts: { database: D1Database; worker: string | undefined; open: boolean }) {
    this.#parts = parts;
  }

  /**
   * All that are active, newest first; none where none were made: then nothing can be signed, so nothing is to be sent.
   * @throws Error where they were stored with another WEBHOOK_SECRET
   */
  async signingSecretsOf(owner: string): Promise<readonly SigningSecret[]> {
    const { database, worker, open } = this.#parts;
    if (!worker) return [];
    if (open) return [parseSigningSecret(worker)];
    const { results } = await database
      .prepare(
        `SELECT id, sealed FROM webhook_secrets
         WHERE owner = ?1 AND (expires_at IS NULL OR expires_at > ?2) ORDER BY created_at DESC, id`,
      )
      .bind(owner, Math.floor(Date.now() / 1000))
      .all();
    const rows = z.array(rowSchema).parse(results);
    const texts = await Promise.all(rows.map(({ id, sealed }) => unseal(sealed, placeOfSecret(id, owner), worker)));
    return texts.map(parseSigningSecret);
  }
}
