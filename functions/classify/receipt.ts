import { sha256Hex } from '../bytes.ts';
import type { Manifest } from '../catalogue/manifest.ts';
import { ServiceError } from '../errors.ts';
import type { Answer } from './answer.ts';
import { identityOf } from './answer-of.ts';

/** Signs what was answered (`receipts/receipts.ts`). */
export interface Witness {
  sign(statement: {
    readonly model: Answer['model'] & Pick<Manifest, 'runtime'>;
    readonly picture: string;
    readonly scores: string;
  }): Promise<string>;
}

/**
 * @param picture its SHA-256
 * @param scores what the network put out, `[classes]`
 * @throws ServiceError `option-unavailable` where nobody signs
 */
export async function receiptOf(
  witness: Witness | undefined,
  manifest: Manifest,
  picture: string,
  scores: Float32Array,
): Promise<string> {
  if (!witness) throw new ServiceError('option-unavailable', 'This service signs no receipts.', 'Ask without receipt.');
  const bytes = new Uint8Array(Float32Array.from(scores).buffer);
  const model = { ...identityOf(manifest), runtime: manifest.runtime };
  return witness.sign({ model, picture, scores: await sha256Hex(bytes) });
}
