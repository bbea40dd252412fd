import { DECODER_BYTES, type MemoryBudget, type Release } from '../memory-budget.ts';
import { fitsAtAll } from './errors.ts';

/** How long a picture waits for the memory that decoding it takes. */
export const WAIT_MS = 5_000;
/** What is let go counts as held for so long, less than others wait: it is there until V8 collects it, whenever that is. */
const COLLECTED_MS = 4_000;

/** An instance of a WebAssembly module whose memory only grows. */
interface Growing {
  readonly heldBytes: number;
}

/**
 * One instance of a decoder, which is kept, and what it holds stays reserved: made anew for each picture, they would add
 * up until they are collected. Decoding itself is synchronous: pictures do not add up.
 */
export class KeptInstance<Instance extends Growing> {
  readonly #make: () => Instance;
  readonly #budget: MemoryBudget;
  #kept: Instance | undefined;
  #heldBytes = 0;
  /** Of the kept instance: one for each time that it has grown. */
  #held: Release[] = [];
  /** Reservations of instances that were let go. */
  #dropped: { readonly since: number; readonly releases: readonly Release[] }[] = [];

  constructor(make: () => Instance, budget: MemoryBudget) {
    this.#make = make;
    this.#budget = budget;
    budget.onShortage(() => this.#settle());
  }

  /**
   * @param inside bytes of its memory that `use` needs at most
   * @param outside bytes that `use` takes beside it
   * @param use synchronous; what it throws tells whether the instance is still sound
   * @throws ServiceError `image-too-large` or `busy`
   */
  async with<T>(inside: number, outside: number, use: (instance: Instance, replace: () => Instance) => T): Promise<T> {
    fitsAtAll(inside + outside, this.#budget);
    const { release, reserved } = await this.#reserve(inside, outside);
    try {
      return use(this.#instance(), () => {
        this.#kept = undefined;
        return this.#instance();
      });
    } finally {
      this.#hold(release, reserved);
    }
  }

  #instance(): Instance {
    this.#kept ??= this.#make();
    return this.#kept;
  }

  /** What the kept instance holds need not be reserved again, if it is still kept when the wait is over. */
  async #reserve(inside: number, outside: number): Promise<{ release: Release; reserved: number }> {
    for (;;) {
      const growth = Math.max(0, inside - this.#heldBytes);
      const reserved = growth + outside;
      const release = await this.#budget.reserve(reserved, { timeoutMs: WAIT_MS });
      if (inside - this.#heldBytes <= growth) return { release, reserved };
      release();
    }
  }

  /**
   * Keeps of what was reserved that by which the instance has grown, or lets the instance go. One that took another's
   * place has that one's reservation.
   */
  #hold(release: Release, reserved: number): void {
    const bytes = Math.max(this.#heldBytes, this.#kept?.heldBytes ?? 0);
    const grown = bytes - this.#heldBytes;
    release(reserved - grown);
    if (grown > 0) this.#held.push(release);
    this.#heldBytes = bytes;
    // Seldom a picture needs more, and others need the memory.
    if (bytes <= DECODER_BYTES) return;
    this.#dropped.push({ since: Date.now(), releases: this.#held });
    this.#held = [];
    this.#kept = undefined;
    this.#heldBytes = 0;
  }

  #settle(): void {
    const before = Date.now() - COLLECTED_MS;
    for (const { since, releases } of this.#dropped) if (since <= before) for (const release of releases) release();
    this.#dropped = this.#dropped.filter(({ since }) => since > before);
  }
}
