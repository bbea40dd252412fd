/** At most so many values, each for at most so long; the one least recently read leaves first. */
export class BoundedCache<V> {
  readonly #values = new Map<string, { readonly value: V; readonly until: number }>();
  readonly #maxValues: number;
  readonly #maxAgeMs: number;

  constructor(limits: { maxValues: number; maxAgeMs: number }) {
    this.#maxValues = limits.maxValues;
    this.#maxAgeMs = limits.maxAgeMs;
  }

  get(key: string): V | undefined {
    const known = this.#values.get(key);
    if (!known) return undefined;
    this.#values.delete(key);
    if (known.until <= Date.now()) return undefined;
    this.#values.set(key, known);
    return known.value;
  }

  set(key: string, value: V): void {
    this.#values.delete(key);
    this.#values.set(key, { value, until: Date.now() + this.#maxAgeMs });
    for (const [oldest] of this.#values) {
      if (this.#values.size <= this.#maxValues) break;
      this.#values.delete(oldest);
    }
  }
}
