import { sha256Hex, sha256OfText } from '../bytes.ts';
import type { Manifest } from '../catalogue/manifest.ts';
import { type ExplainMethod, type Explanation, explanationSchema } from './answer.ts';
import { RecentAnswers } from './recent-answers.ts';

/**
 * What networks put out, kept for when the same picture comes again. Which part of it a caller wants (`top_k`, `labels`,
 * an activation) is worked out anew each time, so one entry serves all protocols.
 *
 * The address of an entry has all that it depends on: whom it may be shown to, the whole manifest (version, input rule,
 * temperature), the kind of input, its SHA-256, and the method of an explanation.
 */

/** Where entries are kept, by address: Workers' Cache API, or nothing at all. It may forget, fail and be slow. */
export interface AnswerStore {
  match(address: string): Promise<Response | undefined>;
  put(address: string, entry: Response): Promise<void>;
}

export type CacheResult = 'hit' | 'miss' | 'bypass';

/** How the request at work may use the store. */
export interface CacheUse {
  /** Entries are shown to those alone who have the same. */
  readonly scope: string;
  readonly read: boolean;
}

/** Of a network. */
export interface Output {
  /** Its output, float32 `[classes]`. */
  readonly scores: Float32Array;
  /** How strange the picture is, where the model's prototypes tell that. */
  readonly novelty?: number;
  readonly explanation?: Explanation;
}

/** What an output is of: a picture as it was made, or the pixels that a model is given. */
export interface Question {
  readonly input: 'picture' | 'pixels';
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly explain?: ExplainMethod;
}

/** Bump on every change of decoding or engine that gives other scores for the same picture. */
const FORM = 2;
/** How long a store keeps an entry at most. */
const MAX_AGE_SECONDS = 3_600;
/** A store that takes longer to answer is passed by: most networks are faster. */
const PATIENCE_MS = 250;
/** Scores of 60 ImageNet networks, or of 500 of Fashion-MNIST; the memory budget leaves room for more than that. */
const RECENT_BYTES = 256 * 1024;

interface Parts {
  /** Undefined where the host has none: each question is run. */
  readonly store: AnswerStore | undefined;
  /** @returns undefined where the request at work may not use the store at all */
  use(): CacheUse | undefined;
  /** A picture that is answered from the store is paid for as any other. @throws ServiceError where it cannot be */
  charge(): Promise<unknown>;
  tell(result: CacheResult): void;
}

export class AnswerCache {
  readonly #parts: Parts;
  readonly #fingerprints = new WeakMap<Manifest, Promise<string>>();
  readonly #recent: RecentAnswers;

  constructor(parts: Parts, recent = new RecentAnswers({ maxBytes: RECENT_BYTES, maxAgeSeconds: MAX_AGE_SECONDS })) {
    this.#parts = parts;
    this.#recent = recent;
  }

  /** The same answers, for a picture that was paid for already. */
  paid(): AnswerCache {
    return new AnswerCache({ ...this.#parts, charge: async () => {} }, this.#recent);
  }

  /**
   * The output for a question, from the store or made. What the store does wrong is a miss.
   * @param hash of the question's bytes, where it is known already
   */
  async output(
    manifest: Manifest,
    question: Question,
    make: () => Promise<Output>,
    hash: () => Promise<string> = () => sha256Hex(question.bytes),
  ): Promise<Output> {
    const { store, use, charge, tell } = this.#parts;
    const allowed = store && use();
    if (!allowed) {
      tell('bypass');
      return make();
    }
    const { scope, read } = allowed;
    const address = addressOf(scope, await this.#fingerprint(manifest), question, await hash());
    const found = read ? await this.#find(store, address, manifest, question) : undefined;
    if (found) {
      await charge();
      tell('hit');
      return found;
    }
    tell(read ? 'miss' : 'bypass');
    const made = await make();
    if (!made.explanation) this.#recent.set(address, numbersOf(made));
    // Nobody waits for it, and nobody misses it.
    void keep(store, address, made);
    return made;
  }

  /** In this isolate, then in the store. Explanations are large, and seldom asked for twice: the store alone has them. */
  async #find(
    store: AnswerStore,
    address: string,
    manifest: Manifest,
    question: Question,
  ): Promise<Output | undefined> {
    const { classes } = manifest;
    const numbers = this.#recent.get(address);
    if (numbers) return fromNumbers(numbers, classes);
    const found = await lookedUp(store, address, manifest, question);
    if (found && !found.explanation) this.#recent.set(address, numbersOf(found));
    return found;
  }

  /** Of all that a manifest says: whoever changes a rule of it without a new version gets other addresses all the same. */
  #fingerprint(manifest: Manifest): Promise<string> {
    const known = this.#fingerprints.get(manifest);
    if (known) return known;
    const made = sha256OfText(JSON.stringify(manifest));
    this.#fingerprints.set(manifest, made);
    return made;
  }
}

async function keep(store: AnswerStore, address: string, made: Output): Promise<void> {
  try {
    await store.put(address, entryOf(made));
  } catch {
    // The next one who asks makes it again.
  }
}

/** A name of no host: Cache API wants an address. */
function addressOf(scope: string, fingerprint: string, { input, explain }: Question, hash: string): string {
  const parts = [String(FORM), scope, fingerprint, input, explain ?? 'scores', hash];
  return `https://answers.internal/${parts.map(encodeURIComponent).join('/')}`;
}

/** @returns undefined where there is nothing, or nothing of use, or not in time */
async function lookedUp(
  store: AnswerStore,
  address: string,
  manifest: Manifest,
  question: Question,
): Promise<Output | undefined> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  try {
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), PATIENCE_MS);
    });
    const read = async () => (await store.match(address))?.arrayBuffer();
    const bytes = await Promise.race([read(), late]);
    return bytes && outputOf(bytes, manifest, question);
  } catch {
    return undefined;
  } finally {
    if (timer !== null) clearTimeout(timer);
  }
}

/** One after the other. */
const numbersOf = ({ scores, novelty }: Output): Float32Array<ArrayBuffer> =>
  Float32Array.from(novelty === undefined ? scores : [...scores, novelty]);

function fromNumbers(numbers: Float32Array, classes: number): Output {
  const novelty = numbers[classes];
  return { scores: numbers.slice(0, classes), ...(novelty !== undefined && { novelty }) };
}

/** Numbers, least significant byte first as WebAssembly has them, then the explanation as JSON where there is one. */
function entryOf({ explanation, ...output }: Output): Response {
  const body = new Blob([numbersOf(output), explanation ? JSON.stringify(explanation) : '']);
  return new Response(body, {
    headers: { 'content-type': 'application/octet-stream', 'cache-control': `max-age=${MAX_AGE_SECONDS}` },
  });
}

/** @returns undefined where the bytes are not what was put there */
function outputOf(bytes: ArrayBuffer, { classes, certainty }: Manifest, { explain }: Question): Output | undefined {
  const end = 4 * (classes + (certainty?.unknown?.method === 'prototype' ? 1 : 0));
  if (explain ? bytes.byteLength <= end : bytes.byteLength !== end) return undefined;
  const output = fromNumbers(new Float32Array(bytes.slice(0, end)), classes);
  if (!explain) return output;
  const explanation = explanationSchema.parse(JSON.parse(new TextDecoder().decode(bytes.slice(end))));
  return explanation.method === explain ? { ...output, explanation } : undefined;
}
