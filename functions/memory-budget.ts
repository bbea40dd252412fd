import { ServiceError } from './errors.ts';

/** How often a waiting request looks whether it is its turn. */
const LOOK_MS = 10;
/** One that has not looked for this long is gone. */
const LOST_MS = 2_000;

/** What a decoder of pictures keeps reserved between them at most. */
export const DECODER_BYTES = 8_000_000;

interface Waiting {
  lookedAt: number;
}

/** Gives reserved bytes back: so many of them, or all that are left. */
export type Release = (bytes?: number) => void;

/**
 * Admission of memory before it is allocated. Whoever needs a large block reserves it first and is served in the
 * order of asking: a large request is not overtaken by small ones, so that it cannot starve.
 *
 * Those who wait look for themselves and are not woken by another: in workerd a request whose client went away does
 * not run on, and would take memory that it never gives back, or block the queue.
 */
export class MemoryBudget {
  readonly totalBytes: number;
  #usedBytes = 0;
  #refused = 0;
  #queue: Waiting[] = [];
  readonly #reclaimers: (() => void)[] = [];

  constructor(totalBytes: number) {
    this.totalBytes = totalBytes;
  }

  get freeBytes(): number {
    return this.totalBytes - this.#usedBytes;
  }

  /** Reservations that were refused so far. */
  get refused(): number {
    return this.#refused;
  }

  /** `reclaim` is called when memory is short: it releases, at once, what is only kept to save time later. */
  onShortage(reclaim: () => void): void {
    this.#reclaimers.push(reclaim);
  }

  /**
   * Waits at most `timeoutMs` for `bytes` to become free.
   * @param bytes or who says, whenever it is looked whether they are free, how many it would take now
   * @throws ServiceError `busy`, with the seconds after which to ask again; at once where they can never fit
   */
  async reserve(bytes: number | (() => number), { timeoutMs }: { timeoutMs: number }): Promise<Release> {
    const bytesNow = typeof bytes === 'number' ? () => bytes : bytes;
    if (this.#isFirst(undefined)) {
      const release = this.#tryTake(bytesNow());
      if (release) return release;
    }
    const deadline = Date.now() + timeoutMs;
    const self: Waiting = { lookedAt: Date.now() };
    this.#queue.push(self);
    try {
      for (;;) {
        const leftMs = deadline - Date.now();
        if (leftMs <= 0) throw this.#refusal(tooBusy(timeoutMs));
        await new Promise((resolve) => setTimeout(resolve, Math.min(LOOK_MS, leftMs)));
        self.lookedAt = Date.now();
        const release = this.#isFirst(self) ? this.#tryTake(bytesNow()) : null;
        if (release) return release;
      }
    } finally {
      this.#queue = this.#queue.filter((other) => other !== self);
    }
  }

  /** `bytes` if they are free and nobody waits for them, else null. */
  tryReserve(bytes: number): Release | null {
    return this.#isFirst(undefined) && bytes <= this.freeBytes ? this.#take(bytes) : null;
  }

  /** Whether nobody stands before `self` (or before someone new). */
  #isFirst(self: Waiting | undefined): boolean {
    const present = Date.now() - LOST_MS;
    const [first] = this.#queue.filter(({ lookedAt }) => lookedAt >= present);
    return first === self;
  }

  #tryTake(bytes: number): Release | null {
    if (bytes > this.totalBytes) throw this.#refusal(neverFits(bytes, this.totalBytes));
    for (const reclaim of this.#reclaimers) {
      if (bytes <= this.freeBytes) break;
      reclaim();
    }
    return bytes <= this.freeBytes ? this.#take(bytes) : null;
  }

  #refusal(error: ServiceError): ServiceError {
    this.#refused++;
    return error;
  }

  #take(bytes: number): Release {
    this.#usedBytes += bytes;
    let held = bytes;
    return (given = held) => {
      const back = Math.min(given, held);
      this.#usedBytes -= back;
      held -= back;
    };
  }
}

function neverFits(bytes: number, totalBytes: number): ServiceError {
  return new ServiceError(
    'busy',
    `This needs ${megabytes(bytes)} of working memory, more than the ${megabytes(totalBytes)} that there are.`,
    'Send a smaller picture, or run this model where there is more memory.',
  );
}

function tooBusy(waitedMs: number): ServiceError {
  return new ServiceError(
    'busy',
    `Other requests hold the memory that this one needs; it waited ${waitedMs / 1000} s.`,
    'Try again after the seconds that Retry-After says.',
    { retryAfterSeconds: Math.max(1, Math.ceil(waitedMs / 1000)) },
  );
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
