import path from 'node:path';
import { Catalogue, type Entry } from '../../functions/catalogue/catalogue.ts';
import { loadClassifier } from '../../functions/catalogue/load.ts';
import { versionsSchema } from '../../functions/catalogue/versions.ts';
import { fileAssets, indexOfFolder } from '../../functions/file-assets.ts';
import { fileModules } from '../../functions/file-modules.ts';
import type { Classifier } from '../../functions/runtime/classifier.ts';

/**
 * A model folder, loaded by the code that loads it at the edge, so that its figures are the service's.
 * @param folder its name is the model's id, or `<id>@<revision>`
 * @throws ServiceError `model-unknown` or `model-broken`, naming the file
 */
export async function loadServedModel(folder: string): Promise<Entry & { readonly classifier: Classifier }> {
  const { dir, base: name } = path.parse(path.resolve(folder));
  const assets = fileAssets(dir);
  const { versions = {} } = await indexOfFolder(dir);
  // This folder, whichever version speaks where none is named.
  const { latest } = versionsSchema.optional().parse(versions[name]) ?? {};
  const entry = await new Catalogue(assets).get(latest === undefined ? name : `${name}@${latest}`);
  return { ...entry, classifier: await loadClassifier(assets, entry.manifest, fileModules) };
}
