import type { Catalogue, Entry } from '../catalogue/catalogue.ts';
import { brokenModel } from '../catalogue/errors.ts';
import { ServiceError } from '../errors.ts';
import { type Codecs, preprocess, preprocessFramed } from '../image/preprocess.ts';
import type { MemoryBudget } from '../memory-budget.ts';
import type { Answer, ExplainMethod } from './answer.ts';
import { drawn, explain } from './explain.ts';
import type { Models } from './remote.ts';
import { best, predictionOf, probabilities, rank } from './scores.ts';

export interface ClassifyOptions {
  readonly topK: number | undefined;
  readonly minScore: number | undefined;
  /** Say also where the first class is seen, by this method. */
  readonly explain: ExplainMethod | undefined;
}

/** How many classes an answer has where the caller does not say. */
const DEFAULT_TOP_K = 5;

/**
 * THE use case: an encoded picture and a model become an answer. It alone decodes, admits, runs and ranks; routes
 * only translate.
 */
export class Classify {
  readonly #catalogue: Catalogue;
  readonly #models: Models;
  readonly #codecs: Codecs;
  readonly #budget: MemoryBudget;

  constructor(parts: { catalogue: Catalogue; models: Models; codecs: Codecs; budget: MemoryBudget }) {
    this.#catalogue = parts.catalogue;
    this.#models = parts.models;
    this.#codecs = parts.codecs;
    this.#budget = parts.budget;
  }

  /** @throws ServiceError */
  async image(modelId: string, image: Uint8Array<ArrayBuffer>, options: ClassifyOptions): Promise<Answer> {
    const entry = await this.#catalogue.get(modelId);
    if (options.explain) return this.#explained(entry, image, options, options.explain);
    const { manifest } = entry;
    const pixels = await preprocess(image, manifest.input, this.#codecs, this.#budget);
    const output = await this.#models.with(manifest, (classifier) => classifier.classify(pixels, 1));
    const scores = probabilities(output, manifest.output.kind, manifest.output.temperature);
    return this.#answer(entry, scores, options);
  }

  /**
   * The other door: what a model puts out for an input tensor, float32 `[classes]`.
   * @param pixels uint8 `[height, width, channels]` as the model takes them
   * @param version of the model that they were made for
   * @throws ServiceError
   */
  async tensor(modelId: string, version: string, pixels: Uint8Array): Promise<Float32Array> {
    const { manifest } = await this.#catalogue.get(modelId);
    if (manifest.version !== version) throw brokenModel(modelId, 'manifest.json', `is not of version ${version}`);
    const { height, width, channels } = manifest.input;
    const bytes = height * width * (channels === 'grey' ? 1 : 3);
    if (pixels.length !== bytes) {
      throw new ServiceError('bad-request', `The tensor has ${pixels.length} bytes.`, `This model takes ${bytes}.`);
    }
    return this.#models.with(manifest, (classifier) => classifier.classify(pixels, 1));
  }

  async #explained(
    entry: Entry,
    image: Uint8Array<ArrayBuffer>,
    options: ClassifyOptions,
    method: ExplainMethod,
  ): Promise<Answer> {
    const { manifest, labels } = entry;
    const { pixels, frame } = await preprocessFramed(image, manifest.input, this.#codecs, this.#budget);
    const { scores, heat } = await this.#models.with(manifest, (classifier) =>
      explain(method, classifier, manifest, pixels),
    );
    const explanation = await drawn(method, heat, frame, predictionOf(best(scores), scores, labels));
    return { ...this.#answer(entry, scores, options), explanation };
  }

  #answer({ manifest, labels }: Entry, scores: Float32Array, options: ClassifyOptions): Answer {
    return {
      predictions: rank(scores, labels, { topK: options.topK ?? DEFAULT_TOP_K, minScore: options.minScore ?? 0 }),
      model: { id: manifest.id, version: manifest.version, revision: manifest.revision },
    };
  }
}
