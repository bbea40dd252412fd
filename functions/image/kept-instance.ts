import { DECODER_BYTES, type MemoryBudget, type Release } from '../memory-budget.ts';
import { fitsAtAll } from './errors.ts';

/** How long a picture waits for the memory that decoding it takes. */
export const WAIT_MS = 5_000;
/** What is let go counts as held for so long at most, less than others wait, or until V8 has collected it. */
const COLLECTED_MS = 4_000;

/** An instance of a WebAssembly module whose memory only grows. */
interface Growing {
  readonly heldBytes: number;
}

/** An instance and what is reserved for it. */
interface Held<Instance extends Growing> {
  readonly instance: WeakRef<Instance>;
  readonly bytes: number;
  /** One for each time that it has grown. */
  readonly releases: readonly Release[];
  readonly usedAt: number;
}

/**
 * One instance of a decoder, which is kept, and what it holds stays reserved: made anew for each picture, they would add
 * up until they are collected. A large one is held loosely: it serves the next picture, unless it was collected before
 * or others needed its memory. Decoding itself is synchronous: pictures do not add up.
 */
export class KeptInstance<Instance extends Growing> {
  readonly #make: () => Instance;
  readonly #budget: MemoryBudget;
  #held: Held<Instance> | undefined;
  /** The same instance, where it is small: it is not collected. */
  #small: Instance | undefined;
  /** Those that are not used again. */
  #dropped: readonly Held<Instance>[] = [];

  constructor(make: () => Instance, budget: MemoryBudget) {
    this.#make = make;
    this.#budget = budget;
    budget.onShortage(() => this.#settle());
  }

  /**
   * @param inside bytes of its memory that `use` needs at most
   * @param outside bytes that `use` takes beside it
   * @param use synchronous; it says with `drop` that the instance is not to be used again
   * @throws ServiceError `image-too-large` or `busy`
   */
  async with<T>(inside: number, outside: number, use: (instance: Instance, drop: () => void) => T): Promise<T> {
    fitsAtAll(inside + outside, this.#budget);
    const { kept, release, reserved } = await this.#reserve(inside, outside);
    const instance = kept ?? this.#make();
    let sound = true;
    try {
      return use(instance, () => {
        sound = false;
      });
    } finally {
      this.#hold(instance, release, reserved);
      if (!sound) this.#drop();
    }
  }

  /** What the kept instance holds need not be reserved again, if it is still kept when the wait is over. */
  async #reserve(inside: number, outside: number) {
    for (;;) {
      let growth = inside;
      const bytesNow = () => {
        growth = this.#growthTo(inside);
        return growth + outside;
      };
      const release = await this.#budget.reserve(bytesNow, { timeoutMs: WAIT_MS });
      const kept = this.#held?.instance.deref();
      if (this.#growthTo(inside) <= growth) return { kept, release, reserved: growth + outside };
      release();
    }
  }

  /** Bytes by which the instance grows to have so many. */
  #growthTo(bytes: number): number {
    if (this.#held && !this.#held.instance.deref()) this.#drop();
    return Math.max(0, bytes - (this.#held?.bytes ?? 0));
  }

  /** Keeps of what was reserved that by which the instance has grown. */
  #hold(instance: Instance, release: Release, reserved: number): void {
    const bytes = instance.heldBytes;
    const grown = bytes - (this.#held?.bytes ?? 0);
    release(reserved - grown);
    const releases = [...(this.#held?.releases ?? []), ...(grown > 0 ? [release] : [])];
    this.#held = { instance: new WeakRef(instance), bytes, releases, usedAt: Date.now() };
    this.#small = bytes <= DECODER_BYTES ? instance : undefined;
  }

  #drop(): void {
    if (this.#held) this.#dropped = [...this.#dropped, this.#held];
    this.#held = undefined;
    this.#small = undefined;
    this.#settle();
  }

  /** Releases what is collected, or should be by now. */
  #settle(): void {
    if (this.#held && !this.#small && isGone(this.#held)) {
      for (const release of this.#held.releases) release();
      this.#held = undefined;
    }
    for (const { releases } of this.#dropped.filter(isGone)) for (const release of releases) release();
    this.#dropped = this.#dropped.filter((one) => !isGone(one));
  }
}

const isGone = ({ instance, usedAt }: Held<Growing>): boolean =>
  instance.deref() === undefined || usedAt <= Date.now() - COLLECTED_MS;
