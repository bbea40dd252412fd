import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Residents } from '../catalogue/resident.ts';
import { type Codecs, preprocess } from '../image/preprocess.ts';
import type { MemoryBudget } from '../memory-budget.ts';
import type { Answer } from './answer.ts';
import { probabilities, rank } from './scores.ts';

export interface ClassifyOptions {
  readonly topK: number | undefined;
  readonly minScore: number | undefined;
}

/** How many classes an answer has where the caller does not say. */
const DEFAULT_TOP_K = 5;

/**
 * THE use case: an encoded picture and a model become an answer. It alone decodes, admits, runs and ranks; routes
 * only translate.
 */
export class Classify {
  readonly #catalogue: Catalogue;
  readonly #residents: Residents;
  readonly #codecs: Codecs;
  readonly #budget: MemoryBudget;

  constructor(parts: { catalogue: Catalogue; residents: Residents; codecs: Codecs; budget: MemoryBudget }) {
    this.#catalogue = parts.catalogue;
    this.#residents = parts.residents;
    this.#codecs = parts.codecs;
    this.#budget = parts.budget;
  }

  /** @throws ServiceError */
  async image(modelId: string, image: Uint8Array<ArrayBuffer>, options: ClassifyOptions): Promise<Answer> {
    const { manifest, labels } = await this.#catalogue.get(modelId);
    const pixels = await preprocess(image, manifest.input, this.#codecs, this.#budget);
    const output = await this.#residents.with(manifest, (classifier) => classifier.classify(pixels, 1));
    const scores = probabilities(output, manifest.output.kind, manifest.output.temperature);
    return {
      predictions: rank(scores, labels, { topK: options.topK ?? DEFAULT_TOP_K, minScore: options.minScore ?? 0 }),
      model: { id: manifest.id, version: manifest.version, revision: manifest.revision },
    };
  }
}
