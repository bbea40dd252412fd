import { sha256Hex } from '../../bytes.ts';
import type { Catalogue } from '../../catalogue/catalogue.ts';
import type { Classify } from '../../classify/classify.ts';
import { verifiedStatement } from '../../receipts/receipts.ts';
import type { Check, Checked } from './messages.ts';

/**
 * Verifies a receipt and computes again what it states.
 * @throws ServiceError `signature-refused` where the signature does not hold, or what keeps the network from running
 */
export async function checked(
  { receipt, keys, picture }: Pick<Check, 'receipt' | 'keys' | 'picture'>,
  { catalogue, classify }: { catalogue: Catalogue; classify: Classify },
): Promise<Checked> {
  const statement = await verifiedStatement(receipt, keys);
  const { model } = statement;
  const samePicture = (await sha256Hex(picture)) === statement.picture;
  const unknown = (why: string): Checked => ({ statement, samePicture, scores: { unknown: why } });
  if (!samePicture) return unknown('This is another picture than the one that was signed.');
  if (model.runtime === 'tfjs') return unknown('A model of TF.js runs at the service alone.');
  const entry = await catalogue.get(model.id);
  if (entry.manifest.version !== model.version) {
    return unknown(`The service now has revision ${entry.manifest.revision} of it, so that one does not run here.`);
  }
  const scores = await classify.scores(entry, { image: picture }, 'none');
  const bytes = new Uint8Array(Float32Array.from(scores).buffer);
  return { statement, samePicture, scores: (await sha256Hex(bytes)) === statement.scores ? 'same' : 'others' };
}
