import type { Entry } from '../catalogue/catalogue.ts';
import { brokenModel } from '../catalogue/errors.ts';
import type { Classifier } from '../runtime/classifier.ts';
import { noveltyByPrototypes } from '../runtime/novelty.ts';
import type { Output } from './answer-cache.ts';

/** One run, with how strange the picture is where prototypes tell that. */
export async function run(
  { manifest, prototypes }: Entry,
  classifier: Classifier,
  pixels: Uint8Array,
): Promise<Output> {
  if (!prototypes) return { scores: await classifier.classify(pixels, 1) };
  const embedding = await classifier.embed?.(pixels);
  if (!embedding) throw brokenModel(manifest.id, 'manifest.json', 'has prototypes, and the network has no embedding');
  return { scores: embedding.scores, novelty: noveltyByPrototypes(embedding.values, prototypes) };
}
