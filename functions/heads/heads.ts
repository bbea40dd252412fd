import type { Answer } from '../classify/answer.ts';
import type { AnswerOptions } from '../classify/answer-of.ts';
import type { Classify, Embedded } from '../classify/classify.ts';
import { rank } from '../classify/scores.ts';
import { ServiceError } from '../errors.ts';
import { type HeadDescription, headConflict, MAX_CLASSES, MAX_HEADS, unknownHead } from './head.ts';
import { describe, type LoadedHead, loadedHead, RecentHeads } from './loaded.ts';
import { HeadStore } from './store.ts';
import { lossesOf, softmax } from './temperature.ts';
import { added, cosine, directionOf, fromBase64, MAX_IMAGES_A_CLASS, toBase64, unitOf } from './vectors.ts';

/** Whoever writes meanwhile wins, and one of them always gets on: so many at once are more than there will be. */
const ATTEMPTS = 40;
const WAIT_MS = 20;
const DEFAULT_TOP_K = 5;

type Image = Uint8Array<ArrayBuffer>;

/** Classes of callers' own from a few pictures: means of embeddings, told apart by their cosines. */
export class Heads {
  readonly #store: HeadStore;
  readonly #classify: Classify;
  readonly #recent = new RecentHeads();

  constructor({ database, classify }: { database: D1Database; classify: Classify }) {
    this.#store = new HeadStore(database);
    this.#classify = classify;
  }

  /** Makes a head, or finds it as it is. @throws ServiceError where it is of another base, or there are too many */
  async put(owner: string, id: string, base: string): Promise<HeadDescription> {
    const { model, dims } = await this.#classify.embeds(base);
    const fresh = { id, base, base_version: model.version, base_revision: model.revision, dims };
    const head = await this.#store.create(owner, fresh, MAX_HEADS);
    if (!head) throw headConflict(`There are ${MAX_HEADS} heads already.`, 'DELETE one that is not needed.');
    if (head.base !== base) throw ofAnother(id, head.base, base);
    return this.get(owner, id);
  }

  async get(owner: string, id: string): Promise<HeadDescription> {
    return describe(await this.#loaded(owner, id));
  }

  list(owner: string): ReturnType<HeadStore['list']> {
    return this.#store.list(owner);
  }

  /** @throws ServiceError `head-unknown` */
  async remove(owner: string, id: string): Promise<void> {
    if (!(await this.#store.remove(owner, id))) throw unknownHead(id);
  }

  /** @returns the picture's embedding by the head's base, to be given to {@link add} */
  async embedding(owner: string, id: string, image: Image): Promise<Embedded> {
    const { row } = await this.#loaded(owner, id);
    return this.#embedded(row, image);
  }

  /** Adds pictures to a class, all at once, and makes the class where it is new. @throws ServiceError */
  async add(owner: string, id: string, label: string, pictures: readonly Embedded[]): Promise<HeadDescription> {
    const vectors = pictures.map(({ values }) => unitOf(values));
    return this.#change(owner, id, async (head) => {
      const at = head.labels.indexOf(label);
      if (at < 0 && head.labels.length >= MAX_CLASSES) {
        throw headConflict(`The head "${id}" has ${MAX_CLASSES} classes already.`, 'Remove one, or make another head.');
      }
      const images = (head.images[at] ?? 0) + vectors.length;
      if (images > MAX_IMAGES_A_CLASS) {
        throw headConflict(`"${label}" would have ${images} pictures.`, `${MAX_IMAGES_A_CLASS} are enough.`);
      }
      const before = await this.#store.sumOf(owner, id, label);
      const zero = new Int32Array(head.row.dims);
      const sum = vectors.reduce(
        (total, vector) => added(total, vector),
        before ? new Int32Array(fromBase64(before)) : zero,
      );
      const told = images > 1 ? vectors.map((vector) => lossesOfNew(head, label, sum, vector)) : [];
      const losses = head.row.losses.map((loss, t) => told.reduce((total, one) => total + (one[t] ?? 0), loss));
      const written = { label, images, sum: toBase64(sum), mean: toBase64(directionOf(sum)) };
      return this.#store.writeClass(owner, { ...head.row, losses }, written);
    });
  }

  /** @throws ServiceError `head-unknown` also where there is no such class */
  removeClass(owner: string, id: string, label: string): Promise<HeadDescription> {
    return this.#change(owner, id, async (head) => {
      if (head.labels.includes(label)) return this.#store.removeClass(owner, head.row, label);
      throw new ServiceError(
        'head-unknown',
        `The head "${id}" has no class "${label.slice(0, 100)}".`,
        `GET /heads/${id} lists them.`,
      );
    });
  }

  /**
   * A picture by a caller's own classes.
   * @param model as the address has it: it has to be the head's base
   */
  async image(owner: string, id: string, model: string, image: Image, options: AnswerOptions): Promise<HeadAnswer> {
    const head = await this.#loaded(owner, id);
    const { row, labels, means, temperature } = head;
    const [base = '', ...version] = model.split('@');
    if (base !== row.base) throw ofAnother(id, row.base, base);
    const { revision } = await this.#classify.served(model);
    if (version.length > 0 && revision !== row.base_revision) {
      throw ofAnother(id, `${row.base}@${row.base_revision}`, model);
    }
    if (labels.length === 0) {
      throw headConflict(`The head "${id}" has no classes yet.`, `POST pictures to /heads/${id}/classes/{label}.`);
    }
    const { values, model: spoke } = await this.#embedded(row, image);
    const cosines = means.map((mean) => cosine(mean, values));
    const scores = Float32Array.from(softmax(cosines, temperature));
    const { topK = DEFAULT_TOP_K, minScore = 0 } = options;
    const predictions = rank(
      scores,
      labels.map((label) => ({ label })),
      { topK, minScore },
    );
    return { predictions, near_tie: null, unknown: null, model: spoke, head: { id, version: head.version } };
  }

  /** In the version whose embeddings are in the head. @throws ServiceError where that is not here any more */
  async #embedded({ id, base, base_revision: revision, base_version: version }: LoadedHead['row'], image: Image) {
    const embedded = await this.#classify.embedding(`${base}@${revision}`, image);
    if (embedded.model.version === version) return embedded;
    throw headConflict(
      `"${base}" is another network than when the head "${id}" was made.`,
      'Make the head anew: embeddings of two networks cannot be compared.',
    );
  }

  async #loaded(owner: string, id: string): Promise<LoadedHead> {
    const row = await this.#store.get(owner, id);
    if (!row) throw unknownHead(id);
    const recent = this.#recent.get(owner, row);
    if (recent) return recent;
    const found = await this.#store.withClasses(owner, id);
    if (!found) throw unknownHead(id);
    const head = await loadedHead(found.head, found.classes);
    this.#recent.set(owner, head);
    return head;
  }

  /** Until nobody else has changed it in between. @param write says whether it was written */
  async #change(owner: string, id: string, write: (head: LoadedHead) => Promise<boolean>): Promise<HeadDescription> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (await write(await this.#loaded(owner, id))) return this.get(owner, id);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * WAIT_MS));
    }
    throw new ServiceError('busy', `The head "${id}" is being changed by many.`, 'Try again.', {
      retryAfterSeconds: 1,
    });
  }
}

export interface HeadAnswer extends Answer {
  readonly head: { readonly id: string; readonly version: string };
}

/** What each temperature loses on a picture of `label` that is told by the means without it; nothing of the only class. */
function lossesOfNew({ labels, means }: LoadedHead, label: string, sum: Int32Array, vector: Int32Array): number[] {
  const others = means.filter((_, at) => labels[at] !== label);
  if (others.length === 0) return [];
  const own = directionOf(added(sum, vector, -1));
  return lossesOf(
    [own, ...others].map((mean) => cosine(mean, vector)),
    0,
  );
}

const ofAnother = (id: string, its: string, asked: string): ServiceError =>
  headConflict(
    `The head "${id}" is of "${its}", not of "${asked.slice(0, 80)}".`,
    `Ask with /classify/${its}?head=${id}.`,
  );
