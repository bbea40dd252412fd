import type { z } from 'zod';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Answer } from '../classify/answer.ts';
import type { Classify } from '../classify/classify.ts';
import { ServiceError } from '../errors.ts';
import { readBody, tooLarge } from '../input/body.ts';
import { MAX_IMAGE_BYTES, present } from '../input/images.ts';
import { fieldErrors, type Options, optionsSchema } from '../input/options.ts';
import { classifyOptions } from './classify-options.ts';
import { noHeads } from './heads-paths.ts';
import { listed, type modelListSchema } from './models.ts';

/** A picture as it was made; numbers are its bytes, as Workers AI has them. */
export type Image = ReadableStream<Uint8Array> | ArrayBuffer | Uint8Array | readonly number[];

/** Runs a call as the service runs a request: admitted, under a record, its errors fit to travel. */
type Call = <T>(method: string, work: () => Promise<T>) => Promise<T>;

/** How many classes Workers AI answers. */
const TOP_K = 5;
const WHAT_TO_SEND =
  'Give the bytes of a picture: a Uint8Array, an ArrayBuffer, a ReadableStream of bytes, or numbers.';

/** The service for a Worker that binds it: what the native route and Workers AI do, without HTTP, base64 or a key. */
export class InProcess {
  readonly #catalogue: Catalogue;
  readonly #classify: Classify;
  readonly #call: Call;

  constructor(parts: { catalogue: Catalogue; classify: Classify; call: Call }) {
    this.#catalogue = parts.catalogue;
    this.#classify = parts.classify;
    this.#call = parts.call;
  }

  /** As `POST /classify/{model}` of one picture, with its options under their names. @throws ServiceError */
  classify(model: string, image: Image, options: Options = {}): Promise<Answer> {
    return this.#call('classify', async () => {
      const asked = optionsOf(options);
      // Whose it would be, a binding does not say.
      if (asked.head !== undefined) throw noHeads();
      return this.#classify.image(nameOf(model), await bytesOf(image), classifyOptions(asked));
    });
  }

  /** As `GET /models`. @throws ServiceError */
  models(): Promise<z.infer<typeof modelListSchema>['models']> {
    return this.#call('models', () => listed(this.#catalogue));
  }

  /**
   * As `env.AI.run(model, inputs)` of an image classification: the five best classes.
   * @param inputs `{image: [...bytes]}`, or the bytes themselves
   * @throws ServiceError
   */
  run(model: string, inputs: { readonly image: Image } | Image): Promise<{ label: string; score: number }[]> {
    return this.#call('run', async () => {
      const image = await bytesOf(isImageOf(inputs) ? inputs.image : inputs);
      const options = { topK: TOP_K, minScore: undefined, explain: undefined };
      const { predictions } = await this.#classify.image(nameOf(model), image, options);
      return predictions.map(({ label, score }) => ({ label, score }));
    });
  }
}

const isImageOf = (inputs: { readonly image: Image } | Image): inputs is { readonly image: Image } =>
  typeof inputs === 'object' && inputs !== null && 'image' in inputs;

/** Whatever another program gave. @throws ServiceError */
async function bytesOf(image: unknown): Promise<Uint8Array<ArrayBuffer>> {
  if (image instanceof ReadableStream) {
    return present(
      await readBody(new Request('https://stream.internal', { method: 'POST', body: image }), MAX_IMAGE_BYTES),
    );
  }
  const length = image instanceof ArrayBuffer ? image.byteLength : isList(image) ? image.length : undefined;
  if (length === undefined) throw new ServiceError('bad-request', 'What was given is no picture.', WHAT_TO_SEND);
  if (length > MAX_IMAGE_BYTES) throw tooLarge('picture', MAX_IMAGE_BYTES);
  if (image instanceof ArrayBuffer) return present(new Uint8Array(image));
  const bytes = Uint8Array.from(image as ArrayLike<number>);
  if (Array.isArray(image) && image.some((value, i) => value !== bytes[i])) {
    throw new ServiceError('bad-request', 'The picture has numbers that are no bytes, 0 to 255.', WHAT_TO_SEND);
  }
  return present(bytes);
}

const isList = (value: unknown): value is Uint8Array | unknown[] => value instanceof Uint8Array || Array.isArray(value);

function nameOf(model: unknown): string {
  if (typeof model === 'string') return model;
  throw new ServiceError('bad-request', 'The model is no text.', 'Give its id, as models() lists them.');
}

function optionsOf(options: unknown): Options {
  const parsed = optionsSchema.safeParse(options);
  if (parsed.success) return parsed.data;
  const fields = fieldErrors(parsed.error);
  throw new ServiceError(
    'bad-option',
    `The options are not understood (${fields.map(({ detail, pointer }) => `${pointer}: ${detail}`).join('; ')}).`,
    'Options are top_k, min_score, labels, explain, rollup, within, reject_unknown, coverage and receipt, as in a query.',
    { fields },
  );
}
