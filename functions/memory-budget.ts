import { ServiceError } from './errors.ts';

interface Waiting {
  readonly bytes: number;
  readonly admit: (release: () => void) => void;
}

/**
 * Admission of memory before it is allocated. Whoever needs a large block reserves it first and is served in the
 * order of asking: a large request is not overtaken by small ones, so that it cannot starve.
 */
export class MemoryBudget {
  readonly totalBytes: number;
  #usedBytes = 0;
  #waiting: Waiting[] = [];
  readonly #reclaimers: (() => void)[] = [];

  constructor(totalBytes: number) {
    this.totalBytes = totalBytes;
  }

  get freeBytes(): number {
    return this.totalBytes - this.#usedBytes;
  }

  /** `reclaim` is called when memory is short: it releases, at once, what is only kept to save time later. */
  onShortage(reclaim: () => void): void {
    this.#reclaimers.push(reclaim);
  }

  /**
   * Waits at most `timeoutMs` for `bytes` to become free.
   * @returns gives the bytes back; further calls do nothing
   * @throws ServiceError `busy`, with the seconds after which to ask again; at once where `bytes` can never fit
   */
  async reserve(bytes: number, { timeoutMs }: { timeoutMs: number }): Promise<() => void> {
    if (bytes > this.totalBytes) {
      throw new ServiceError(
        'busy',
        `This needs ${megabytes(bytes)} of working memory, more than the ${megabytes(this.totalBytes)} that there are.`,
        'Send a smaller picture, or run this model where there is more memory.',
      );
    }
    if (this.#waiting.length === 0 && this.#fits(bytes)) return this.#take(bytes);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
        reject(tooBusy(timeoutMs));
        this.#admit();
      }, timeoutMs);
      const waiting: Waiting = {
        bytes,
        admit: (release) => {
          clearTimeout(timer);
          resolve(release);
        },
      };
      this.#waiting.push(waiting);
    });
  }

  /** `bytes` if they are free and nobody waits for them, else null. */
  tryReserve(bytes: number): (() => void) | null {
    return this.#waiting.length === 0 && bytes <= this.freeBytes ? this.#take(bytes) : null;
  }

  #fits(bytes: number): boolean {
    for (const reclaim of this.#reclaimers) {
      if (bytes <= this.freeBytes) break;
      reclaim();
    }
    return bytes <= this.freeBytes;
  }

  #take(bytes: number): () => void {
    this.#usedBytes += bytes;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#usedBytes -= bytes;
      this.#admit();
    };
  }

  #admit(): void {
    for (let first = this.#waiting[0]; first && this.#fits(first.bytes); first = this.#waiting[0]) {
      this.#waiting.shift();
      first.admit(this.#take(first.bytes));
    }
  }
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
