/** Where a program lies in the memory that all integer programs of an isolate share. */
export interface Place {
  readonly at: number;
  readonly bytes: number;
}

const PAGE_BYTES = 65_536;

/**
 * One WebAssembly memory for all integer programs of an isolate, which grows and never shrinks. A memory of its own for
 * each would live on after its model has left, until V8 collects it, of which it is no reason to V8: its bytes would
 * count as free minutes before they are. In one memory the place of what left is free at once, and what there is
 * is never more than was reserved, whatever the collector does. Places do not move; where holes are too small, more
 * models leave, and neighbouring holes are one.
 */
export class ModelSpace {
  readonly #maximum: number;
  #memory: WebAssembly.Memory | undefined;
  /** In their order. */
  #places: Place[] = [];

  /**
   * @param mostBytes that the memory may ever have
   * @param memory that other threads share; without, one is made when it is first needed
   */
  constructor(mostBytes: number, memory?: WebAssembly.Memory) {
    this.#memory = memory;
    this.#maximum = Math.floor(mostBytes / PAGE_BYTES);
  }

  /** Of the memory. */
  get bytes(): number {
    return this.#memory?.buffer.byteLength ?? 0;
  }

  /** The smallest hole that is large enough, or behind all others, where the memory may have to grow first. */
  claim(bytes: number): Place {
    const size = Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
    let end = 0;
    let best: { at: number; room: number } | undefined;
    for (const place of this.#places) {
      const room = place.at - end;
      if (room >= size && room < (best?.room ?? Number.POSITIVE_INFINITY)) best = { at: end, room };
      end = place.at + place.bytes;
    }
    const claimed = { at: best?.at ?? end, bytes: size };
    this.#places = [...this.#places, claimed].sort((a, b) => a.at - b.at);
    return claimed;
  }

  free(place: Place): void {
    this.#places = this.#places.filter((other) => other !== place);
  }

  /** By how many bytes the memory has to grow before it has this place. */
  growth({ at, bytes }: Place): number {
    return Math.max(0, at + bytes - this.bytes);
  }

  /** The memory, with this place. Growing detaches the buffer that it had. */
  grownTo(place: Place): WebAssembly.Memory {
    const pages = this.growth(place) / PAGE_BYTES;
    if (!this.#memory) this.#memory = new WebAssembly.Memory({ initial: pages, maximum: this.#maximum });
    else if (pages > 0) this.#memory.grow(pages);
    return this.#memory;
  }
}
