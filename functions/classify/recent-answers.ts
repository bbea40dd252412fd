/** Two bytes a character, at most. */
const CHARACTER_BYTES = 2;
/** Of an entry beside its address and scores, roughly: the objects that hold it. */
const ENTRY_BYTES = 200;

interface Entry {
  readonly scores: Float32Array;
  readonly until: number;
  readonly bytes: number;
}

/**
 * Scores that this isolate gave or found last, by the address that a store keeps them under: a store takes a
 * millisecond or two to ask. The least recently used leave first.
 */
export class RecentAnswers {
  readonly #maxBytes: number;
  readonly #maxAgeMs: number;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor({ maxBytes, maxAgeSeconds }: { maxBytes: number; maxAgeSeconds: number }) {
    this.#maxBytes = maxBytes;
    this.#maxAgeMs = 1000 * maxAgeSeconds;
  }

  /** @returns a copy, float32 `[classes]`; undefined where there is none, or none that is young enough */
  get(address: string): Float32Array | undefined {
    const entry = this.#entries.get(address);
    if (!entry) return undefined;
    this.#delete(address, entry);
    if (entry.until < Date.now()) return undefined;
    this.#set(address, entry);
    return entry.scores.slice();
  }

  /** Keeps a copy. */
  set(address: string, scores: Float32Array): void {
    const bytes = ENTRY_BYTES + CHARACTER_BYTES * address.length + scores.byteLength;
    if (bytes > this.#maxBytes) return;
    const before = this.#entries.get(address);
    if (before) this.#delete(address, before);
    this.#set(address, { scores: scores.slice(), until: Date.now() + this.#maxAgeMs, bytes });
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#delete(oldest, entry);
    }
  }

  #set(address: string, entry: Entry): void {
    this.#entries.set(address, entry);
    this.#bytes += entry.bytes;
  }

  #delete(address: string, entry: Entry): void {
    this.#entries.delete(address);
    this.#bytes -= entry.bytes;
  }
}
