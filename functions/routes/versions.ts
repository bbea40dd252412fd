import { sha256Hex } from '../bytes.ts';
import type { Catalogue, Entry } from '../catalogue/catalogue.ts';

/**
 * A model, in the version that an address asks for; where it asks for none, in the one that speaks.
 * @param version a revision in digits, or a label
 * @param body of the request: where a canary has a share, its SHA-256 tells which version answers
 * @throws ServiceError `model-unknown`, or `model-broken` naming the file
 */
export function entryOf(
  catalogue: Catalogue,
  id: string,
  version: string | undefined,
  body?: Uint8Array<ArrayBuffer>,
): Promise<Entry> {
  if (version !== undefined) return catalogue.get(`${id}@${version}`);
  return catalogue.get(id, body && (() => sha256Hex(body)));
}
