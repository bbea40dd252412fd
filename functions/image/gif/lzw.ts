import { damaged } from '../errors.ts';

const broken = () => damaged('The pixels of the GIF are damaged or cut short.');
/** GIF89a, appendix F. */
const MAX_BITS = 12;

/**
 * Undoes LZW as GIF has it, and stops when there are `expected` indices.
 * @param file `at` is where the smallest code's size stands, then sub-blocks of up to 255 bytes
 * @param sink gets the palette's indices, a piece at a time, which is only valid during the call
 * @throws ServiceError `image-damaged`
 */
export function unpack(file: Uint8Array, at: number, expected: number, sink: (piece: Uint8Array) => void): void {
  const smallest = file[at] ?? 0;
  if (smallest < 1 || smallest > 11) throw broken();
  const [clear, end] = [1 << smallest, (1 << smallest) + 1];
  /** A code stands for that of `prefix` and one index more; `lengths` indices in all. */
  const prefix = new Uint16Array(1 << MAX_BITS);
  const suffix = new Uint8Array(1 << MAX_BITS);
  const lengths = new Uint16Array(1 << MAX_BITS).fill(1, 0, clear);
  for (let i = 0; i < clear; i++) suffix[i] = i;
  const piece = new Uint8Array(1 << MAX_BITS);
  const next = bytesOf(file, at + 1);
  let left = expected;
  let bits = smallest + 1;
  let codes = end + 1;
  let before = -1;
  let hold = 0;
  let held = 0;
  while (left > 0) {
    while (held < bits) {
      const byte = next();
      if (byte < 0) throw broken();
      hold |= byte << held;
      held += 8;
    }
    const code = hold & ((1 << bits) - 1);
    hold >>>= bits;
    held -= bits;
    if (code === clear) {
      bits = smallest + 1;
      codes = end + 1;
      before = -1;
      continue;
    }
    if (code === end || code > codes || (code === codes && before < 0) || (before < 0 && code > end)) throw broken();
    // One that is not known yet is the one before, and its first index again.
    const known = code < codes ? code : before;
    const length = lengths[known] as number;
    let walk = known;
    for (let i = length - 1; i >= 0; i--) {
      piece[i] = suffix[walk] as number;
      walk = prefix[walk] as number;
    }
    const first = piece[0] as number;
    const whole = known === code ? length : length + 1;
    if (whole > length) piece[length] = first;
    if (before >= 0 && codes < 1 << MAX_BITS) {
      prefix[codes] = before;
      suffix[codes] = first;
      lengths[codes] = (lengths[before] as number) + 1;
      codes++;
      if (codes === 1 << bits && bits < MAX_BITS) bits++;
    }
    before = code;
    sink(piece.subarray(0, Math.min(whole, left)));
    left -= whole;
  }
}

/** Bytes of the sub-blocks; -1 after the last. */
function bytesOf(file: Uint8Array, from: number): () => number {
  let at = from;
  let left = 0;
  return () => {
    if (left === 0) {
      left = file[at++] ?? 0;
      if (left === 0) return -1;
    }
    left--;
    return file[at++] ?? -1;
  };
}
