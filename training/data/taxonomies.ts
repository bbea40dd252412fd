import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Label } from '../../functions/catalogue/manifest.ts';
import { fashionLabels, imagenetLabels } from './labels.ts';

/** Which classes belong together, in the words that people have for them (`functions/catalogue/taxonomy.ts`). */

const FASHION = {
  groups: [
    { label: 'clothing', of: ['top', 'trousers', 'dress'] },
    { label: 'top', of: [0, 2, 4, 6] },
    { label: 'trousers', of: [1] },
    { label: 'dress', of: [3] },
    { label: 'shoe', of: [5, 7, 9] },
    { label: 'bag', of: [8] },
  ],
};

const IMAGENET = path.join(import.meta.dirname, 'imagenet-taxonomy.json');

/** The content of `taxonomy.json` for ImageNet's and Fashion-MNIST's classes; undefined for others. */
export async function knownTaxonomy(labels: readonly Label[]): Promise<unknown> {
  if (isSame(labels, fashionLabels)) return FASHION;
  return isSame(labels, await imagenetLabels()) ? JSON.parse(await readFile(IMAGENET, 'utf8')) : undefined;
}

/** Synsets where there are any: names are spelled in many ways. */
const isSame = (a: readonly Label[], b: readonly Label[]): boolean =>
  a.length === b.length &&
  a.every(({ label, synset }, at) => (synset === undefined ? label === b[at]?.label : synset === b[at]?.synset));
