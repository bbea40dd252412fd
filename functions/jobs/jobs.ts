import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Classify } from '../classify/classify.ts';
import type { Problem } from '../errors.ts';
import type { UrlRules } from '../input/fetch-url.ts';
import type { SigningSecret } from '../webhooks/sign.ts';
import { deliver, redeliver } from './deliveries.ts';
import { type Order, type WakeUp, wakeUpSchema } from './job.ts';
import { type Accepted, Orders } from './orders.ts';
import { FORGOTTEN_AT_ONCE, forgetInterrupted, forgetOld, UPLOADS_AT_ONCE } from './retention.ts';
import { JobStore, WOKEN_AT_ONCE } from './store.ts';
import { listOf, viewOf } from './view.ts';
import { work } from './work.ts';

/** Queues take no longer delay; the sweep knows what is due later. */
const MAX_DELAY_S = 43_200;
/** A sweep begins no further round of its kinds after so many, or so long: the next one, a minute later, goes on. */
const SWEEP_ROUNDS = 20;
const SWEEP_MS = 20_000;
/** Of a batch. A Worker has six connections at most that wait for an answer; the jobs need some. */
const CALLBACKS_AT_ONCE = 4;

export interface JobsParts {
  readonly database: D1Database;
  readonly bucket: R2Bucket;
  readonly queue: Queue<WakeUp>;
  readonly catalogue: Catalogue;
  readonly classify: Classify;
  readonly httpLoopback: boolean;
  readonly signingSecretsOf: (owner: string) => Promise<readonly SigningSecret[]>;
  readonly problemOf: (error: unknown) => Problem;
  readonly log: (line: Readonly<Record<string, unknown>>) => void;
}

/** A message, and what it wakes; undefined where it is none of ours. */
interface Taken {
  readonly message: Message;
  readonly wakeUp: WakeUp | undefined;
}

/** Work that is done later. D1 is the truth, and a message of the queue only a wake-up. */
export class Jobs {
  readonly #store: JobStore;
  readonly #orders: Orders;
  readonly #parts: JobsParts & { store: JobStore; rulesOf: (owner: string) => Promise<UrlRules> };

  constructor(parts: JobsParts) {
    const store = new JobStore(parts.database);
    const rulesOf = async (owner: string): Promise<UrlRules> => {
      const allowedHosts = await store.urlHostsOf(owner);
      return { allowHttpLoopback: parts.httpLoopback, ...(allowedHosts && { allowedHosts }) };
    };
    const mayUse = async (model: string) => {
      await parts.catalogue.get(model);
    };
    this.#store = store;
    this.#parts = { ...parts, store, rulesOf };
    this.#orders = new Orders({ store, bucket: parts.bucket, rulesOf, mayUse });
  }

  /** Safe once it returns. @throws ServiceError */
  async create(owner: string, order: Order, context: Parameters<Orders['create']>[2]): Promise<Accepted> {
    const accepted = await this.#orders.create(owner, order, context);
    if (!accepted.repeated) await this.#wake({ job: accepted.id }, 0);
    return accepted;
  }

  async get(owner: string, id: string) {
    return (await viewOf(this.#store, id, owner))?.job;
  }

  list(owner: string, page: Parameters<typeof listOf>[2]) {
    return listOf(this.#store, owner, page);
  }

  cancel(owner: string, id: string): Promise<boolean> {
    return this.#store.cancel(id, owner);
  }

  async redeliver(owner: string, id: string): Promise<boolean> {
    const next = await redeliver(this.#store, id, owner);
    if (next) await this.#wake(next, 0);
    return next !== undefined;
  }

  /**
   * Of a wake-up queue, or of its dead letters, which are only told of: the sweep knows what they were for. Receivers that
   * are slow hold up neither each other nor the jobs, which are done one after the other: they compute.
   */
  async consume({ queue, messages }: MessageBatch): Promise<void> {
    const isDead = queue.endsWith('-dead');
    const all = messages.map((message) => ({ message, wakeUp: wakeUpSchema.safeParse(message.body).data }));
    const isCallback = ({ wakeUp }: Taken) => wakeUp !== undefined && 'delivery' in wakeUp;
    const callbacks = all.filter(isCallback).values();
    const jobs = all.filter((taken) => !isCallback(taken)).values();
    const lane = async (waiting: Iterable<Taken>) => {
      for (const taken of waiting) await this.#take(taken, isDead);
    };
    await Promise.all([lane(jobs), ...Array.from({ length: CALLBACKS_AT_ONCE }, () => lane(callbacks))]);
  }

  async #take({ message, wakeUp }: Taken, isDead: boolean): Promise<void> {
    try {
      if (isDead) this.#parts.log({ deadLetter: message.body });
      else if (wakeUp) await this.run(wakeUp);
      message.ack();
    } catch (error) {
      this.#parts.log({ error: String(error), wakeUp });
      message.retry({ delaySeconds: Math.min(60, 2 ** message.attempts) });
    }
  }

  async run(wakeUp: WakeUp): Promise<void> {
    const jobOf = (id: string) => viewOf(this.#store, id);
    const { next, waitMs } =
      'job' in wakeUp ? await work(wakeUp.job, this.#parts) : await deliver(wakeUp.delivery, { ...this.#parts, jobOf });
    if (next) await this.#wake(next, waitMs);
  }

  /** Takes up what is due, and forgets what is old, in bounded rounds. */
  async sweep(): Promise<void> {
    const { queue, bucket } = this.#parts;
    const woken = await inRounds(WOKEN_AT_ONCE, async () => {
      const due = await this.#store.due();
      for (let i = 0; i < due.length; i += 100) {
        await queue.sendBatch(due.slice(i, i + 100).map((body) => ({ body })));
      }
      return due.length;
    });
    const forgotten = await inRounds(FORGOTTEN_AT_ONCE, () => forgetOld(this.#store, bucket));
    const interrupted = await inRounds(UPLOADS_AT_ONCE, () => forgetInterrupted(this.#store, bucket));
    if (woken + forgotten + interrupted > 0) this.#parts.log({ sweep: { woken, forgotten, interrupted } });
  }

  /** A queue that is away loses nothing. */
  async #wake(wakeUp: WakeUp, waitMs: number): Promise<void> {
    try {
      await this.#parts.queue.send(wakeUp, { delaySeconds: Math.min(MAX_DELAY_S, Math.ceil(waitMs / 1000)) });
    } catch (error) {
      this.#parts.log({ error: `no wake-up was sent: ${error}` });
    }
  }
}

/** @param round does `full` or more where there may be more to do. @returns how many all rounds did */
async function inRounds(full: number, round: () => Promise<number>): Promise<number> {
  const end = Date.now() + SWEEP_MS;
  let all = 0;
  for (let i = 0; i < SWEEP_ROUNDS; i++) {
    const done = await round();
    all += done;
    if (done < full || Date.now() > end) break;
  }
  return all;
}
