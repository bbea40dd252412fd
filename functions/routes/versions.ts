import type { Catalogue, Entry } from '../catalogue/catalogue.ts';
import { ServiceError } from '../errors.ts';

/**
 * A model, in the version that an address asks for; in the one that is served where it asks for none.
 * @param revision the manifest's, in digits
 * @throws ServiceError `model-unknown`, or `model-broken` naming the file
 */
export async function entryOf(catalogue: Catalogue, id: string, revision: string | undefined): Promise<Entry> {
  const entry = await catalogue.get(id);
  const served = String(entry.manifest.revision);
  // Leading zeros are another way to write the same number (int64 in TensorFlow Serving).
  if (revision === undefined || revision.replace(/^0+(?=\d)/, '') === served) return entry;
  throw new ServiceError(
    'model-unknown',
    `There is no version ${revision.slice(0, 20)} of "${id}".`,
    `Ask for version ${served}, or for none.`,
  );
}
