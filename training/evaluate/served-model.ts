import path from 'node:path';
import { Catalogue, type Entry } from '../../functions/catalogue/catalogue.ts';
import { loadClassifier } from '../../functions/catalogue/load.ts';
import { fileAssets } from '../../functions/file-assets.ts';
import { fileModules } from '../../functions/file-modules.ts';
import type { Classifier } from '../../functions/runtime/classifier.ts';

/**
 * A model folder, loaded by the code that loads it at the edge, so that its figures are the service's.
 * @param folder its name is the model's id
 * @throws ServiceError `model-unknown` or `model-broken`, naming the file
 */
export async function loadServedModel(folder: string): Promise<Entry & { readonly classifier: Classifier }> {
  const assets = fileAssets(path.dirname(path.resolve(folder)));
  const entry = await new Catalogue(assets).get(path.basename(path.resolve(folder)));
  return { ...entry, classifier: await loadClassifier(assets, entry.manifest, fileModules) };
}
