/** Mulberry32 (Tommy Ettinger, public domain): a 32-bit state is enough to shuffle with. @returns numbers in [0, 1) */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One seed of several numbers (FNV-1a), so that what is random at one step needs nothing of the steps before. */
export function seedOf(...numbers: readonly number[]): number {
  let value = 0x811c9dc5;
  for (const number of numbers) value = Math.imul(value ^ number, 0x01000193) ^ (value >>> 15);
  return value >>> 0;
}

/** In place, every order equally likely (Fisher and Yates; Knuth, TAOCP volume 2, algorithm 3.4.2P). */
export function shuffle(order: Uint32Array, random: () => number): void {
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const kept = order[last] ?? 0;
    order[last] = order[other] ?? 0;
    order[other] = kept;
  }
}
