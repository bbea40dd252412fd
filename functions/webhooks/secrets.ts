import type { SigningSecret } from './sign.ts';
import { parseSigningSecret } from './sign.ts';

/** Secrets that callbacks are signed with: those of each owner in D1, encrypted with the Worker's own. */
export class WebhookSecrets {
  readonly #parts: { readonly database: D1Database; readonly worker: string; readonly open: boolean };

  /**
   * @param parts.worker WEBHOOK_SECRET, `whsec_…`: encrypts the secrets of owners
   * @param parts.open where access is off there are no owners, and callbacks are signed with WEBHOOK_SECRET itself
   */
  constructor(parts: { database: D1Database; worker: string; open: boolean }) {
    this.#parts = parts;
  }

  /** All that are active, newest first; none where none were made: then nothing can be signed. */
  async signingSecretsOf(_owner: string): Promise<readonly SigningSecret[]> {
    if (this.#parts.open) return [parseSigningSecret(this.#parts.worker)];
    return [];
  }
}
