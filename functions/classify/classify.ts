import { sha256Once } from '../bytes.ts';
import type { Catalogue, Entry } from '../catalogue/catalogue.ts';
import { brokenModel } from '../catalogue/errors.ts';
import type { Manifest } from '../catalogue/manifest.ts';
import { ServiceError } from '../errors.ts';
import { type Codecs, preprocess, preprocessFramed } from '../image/preprocess.ts';
import type { MemoryBudget } from '../memory-budget.ts';
import type { Embedding } from '../runtime/classifier.ts';
import type { Answer, ExplainMethod } from './answer.ts';
import type { AnswerCache, Output, Question } from './answer-cache.ts';
import { type AnswerOptions, answerOf, identityOf } from './answer-of.ts';
import { drawn, explain } from './explain.ts';
import { pixelsOf } from './input-tensor.ts';
import { activationOf } from './multilabel.ts';
import { receiptOf, type Witness } from './receipt.ts';
import type { Models } from './remote.ts';
import { run } from './run.ts';
import { type Activation, activated, best, marginOf, predictionOf } from './scores.ts';

export interface ClassifyOptions extends AnswerOptions {
  /** Say also where the first class is seen, by this method. */
  readonly explain?: ExplainMethod | undefined;
  /** Sign which network said what of which picture. */
  readonly receipt?: boolean | undefined;
}

/** One input: a picture as it was made, or the values of the model's input tensor, `[height, width, channels]`. */
export type Input = { readonly image: Uint8Array<ArrayBuffer> } | { readonly values: Float32Array };

/** The network's own description of one picture. */
export interface Embedded {
  /** SHA-256 of the picture as it was sent: the same picture has the same id everywhere. */
  readonly id: string;
  /** float32 `[dims]`, of whatever length. */
  readonly values: Float32Array;
  readonly model: Answer['model'];
}

/**
 * THE use case: an encoded picture and a model become an answer. It alone decodes, admits, runs and ranks; routes
 * only translate.
 */
export class Classify {
  readonly #catalogue: Catalogue;
  readonly #models: Models;
  readonly #codecs: Codecs;
  readonly #budget: MemoryBudget;
  readonly #onUse: (manifest: Manifest) => void;
  readonly #cache: AnswerCache | undefined;
  readonly #witness: Witness | undefined;
  /** For a picture that one network was paid for already. */
  readonly #further: Classify;

  /** @param parts `onUse` is told which model a picture is for; without a `cache` each is run; `paid` asks nobody to pay */
  constructor(parts: {
    catalogue: Catalogue;
    models: Models;
    paid?: Models | undefined;
    codecs: Codecs;
    budget: MemoryBudget;
    onUse?: (manifest: Manifest) => void;
    cache?: AnswerCache | undefined;
    witness?: Witness | undefined;
  }) {
    this.#catalogue = parts.catalogue;
    this.#models = parts.models;
    this.#codecs = parts.codecs;
    this.#budget = parts.budget;
    this.#onUse = parts.onUse ?? (() => {});
    this.#cache = parts.cache;
    this.#witness = parts.witness;
    const { paid, cache } = parts;
    this.#further = paid ? new Classify({ ...parts, models: paid, paid: undefined, cache: cache?.paid() }) : this;
  }

  /** Which version speaks where no picture tells them apart. @throws ServiceError `model-unknown` or `model-broken` */
  async served(modelId: string): Promise<Answer['model']> {
    const cascade = await this.#catalogue.cascade(modelId);
    return identityOf((await this.#catalogue.get(cascade?.second ?? modelId)).manifest);
  }

  /**
   * @param modelId or one of its versions, as {@link Catalogue.get} takes it, or a cascade of two models; where none is named, a canary takes its share
   * of pictures by their SHA-256
   * @throws ServiceError
   */
  async image(modelId: string, image: Uint8Array<ArrayBuffer>, options: ClassifyOptions): Promise<Answer> {
    const hash = sha256Once(image);
    const cascade = await this.#catalogue.cascade(modelId);
    if (!cascade) return this.#answer(await this.#catalogue.get(modelId, hash), image, options, hash);
    const small = await this.#catalogue.get(cascade.first, hash);
    const said = await this.#outputOf(small, { image }, hash);
    const isSure = marginOf(said.scores, small.manifest.output) >= cascade.margin;
    const entry = isSure ? small : await this.#catalogue.get(cascade.second, hash);
    const answer = await this.#further.#answer(entry, image, options, hash, isSure ? said : undefined);
    return { ...answer, cascade: { id: modelId, answered_by: isSure ? 'first' : 'second' } };
  }

  /** @param said by the network of this picture, where it was asked already */
  async #answer(
    entry: Entry,
    image: Uint8Array<ArrayBuffer>,
    options: ClassifyOptions,
    hash: () => Promise<string>,
    said?: Output,
  ): Promise<Answer> {
    const { explain: method } = options;
    const output = method
      ? await this.#explained(entry, image, method, hash)
      : (said ?? (await this.#outputOf(entry, { image }, hash)));
    const { explanation, scores } = output;
    const receipt = options.receipt ? await receiptOf(this.#witness, entry.manifest, await hash(), scores) : undefined;
    return {
      ...answerOf(entry, output, options),
      ...(explanation && { explanation }),
      ...(receipt !== undefined && { receipt }),
    };
  }

  /**
   * What a model makes of one input, float32 `[classes]`: probabilities at its temperature, or a sigmoid a class where it is
   * multi-label, unless `activation` says otherwise.
   * @param hash SHA-256 of an image, where it is needed elsewhere too
   * @throws ServiceError
   */
  async scores(
    entry: Entry,
    input: Input,
    activation: Activation = activationOf(entry.manifest),
    hash?: () => Promise<string>,
  ): Promise<Float32Array> {
    const { scores } = await this.#outputOf(entry, input, hash);
    return activated(scores, entry.manifest.output, activation);
  }

  async #outputOf(entry: Entry, input: Input, hash?: () => Promise<string>): Promise<Output> {
    const { manifest } = entry;
    this.#onUse(manifest);
    const question: Question =
      'image' in input
        ? { input: 'picture', bytes: input.image }
        : { input: 'pixels', bytes: pixelsOf(input.values, manifest.input) };
    const ask = async () => {
      const { input: kind, bytes } = question;
      const pixels = kind === 'pixels' ? bytes : await preprocess(bytes, manifest.input, this.#codecs, this.#budget);
      return this.#models.with(manifest, (classifier) => run(entry, classifier, pixels));
    };
    return this.#output(manifest, question, ask, hash);
  }

  /**
   * The other Worker's door: what a model puts out for an input tensor, float32 `[classes]`.
   * @param pixels uint8 `[height, width, channels]` as the model takes them
   * @param version of the model that they were made for
   * @throws ServiceError
   */
  async tensor(modelId: string, version: string, pixels: Uint8Array): Promise<Float32Array> {
    const manifest = await this.#ofTensor(modelId, version, pixels);
    return this.#models.with(manifest, (classifier) => classifier.classify(pixels, 1));
  }

  /** The same door's other answer: the embedding, and the scores behind it. @throws ServiceError */
  async embeddingOfTensor(modelId: string, version: string, pixels: Uint8Array): Promise<Float32Array> {
    const { values, scores } = await this.#embedding(await this.#ofTensor(modelId, version, pixels), pixels);
    return Float32Array.of(...values, ...scores);
  }

  /**
   * What a model's last dense layer reads of a picture, and which version read it.
   * @param modelId as in {@link image}
   * @throws ServiceError `embedding-unavailable` naming the models that have one
   */
  async embedding(modelId: string, image: Uint8Array<ArrayBuffer>): Promise<Embedded> {
    const hash = sha256Once(image);
    const { manifest } = await this.#catalogue.get(modelId, hash);
    this.#onUse(manifest);
    const pixels = await preprocess(image, manifest.input, this.#codecs, this.#budget);
    const { values } = await this.#embedding(manifest, pixels);
    return { id: await hash(), values, model: identityOf(manifest) };
  }

  /** Which version of a model has embeddings, and of how many numbers. @throws ServiceError as {@link embedding} */
  async embeds(modelId: string): Promise<{ readonly model: Answer['model']; readonly dims: number }> {
    const { manifest } = await this.#catalogue.get(modelId);
    if (!manifest.embedding) throw await this.#noEmbedding(manifest);
    return { model: identityOf(manifest), dims: manifest.embedding.dims };
  }

  async #embedding(manifest: Manifest, pixels: Uint8Array): Promise<Embedding> {
    const embedding = await this.#models.with(manifest, async (classifier) => classifier.embed?.(pixels));
    if (embedding) return embedding;
    throw await this.#noEmbedding(manifest);
  }

  async #noEmbedding(manifest: Manifest): Promise<ServiceError> {
    const able = (await this.#catalogue.list()).filter(({ embedding }) => embedding).map(({ id }) => id);
    return new ServiceError(
      'embedding-unavailable',
      `"${manifest.id}" has no embedding: only a network that ends in a dense layer behind other layers has one.`,
      able.length > 0 ? `These have one: ${able.join(', ')}.` : 'No model here has one.',
    );
  }

  /** @throws ServiceError where the pixels are not for this version of the model */
  async #ofTensor(modelId: string, version: string, pixels: Uint8Array): Promise<Manifest> {
    const manifest = (await this.#catalogue.versions(modelId)).find(
      (one) => one.manifest.version === version,
    )?.manifest;
    if (!manifest) throw brokenModel(modelId, 'manifest.json', `is not of version ${version}`);
    this.#onUse(manifest);
    const { height, width, channels } = manifest.input;
    const bytes = height * width * (channels === 'grey' ? 1 : 3);
    if (pixels.length !== bytes) {
      throw new ServiceError('bad-request', `The tensor has ${pixels.length} bytes.`, `This model takes ${bytes}.`);
    }
    return manifest;
  }

  async #explained(
    entry: Entry,
    image: Uint8Array<ArrayBuffer>,
    method: ExplainMethod,
    hash: () => Promise<string>,
  ): Promise<Output> {
    const { manifest, labels } = entry;
    this.#onUse(manifest);
    const ask = async () => {
      const { pixels, frame } = await preprocessFramed(image, manifest.input, this.#codecs, this.#budget);
      const { seen, heat } = await this.#models.with(manifest, async (classifier) => ({
        heat: await explain(method, classifier, manifest, pixels),
        seen: await run(entry, classifier, pixels),
      }));
      const scores = activated(seen.scores, manifest.output, activationOf(manifest));
      const first = predictionOf(best(scores), scores, labels);
      return { ...seen, explanation: await drawn(method, heat, frame, first) };
    };
    const question: Question = { input: 'picture', bytes: image, explain: method };
    return this.#output(manifest, question, ask, hash);
  }

  #output(
    manifest: Manifest,
    question: Question,
    ask: () => Promise<Output>,
    hash: (() => Promise<string>) | undefined,
  ): Promise<Output> {
    return this.#cache ? this.#cache.output(manifest, question, ask, hash) : ask();
  }
}
