import { damaged } from '../errors.ts';

/** A canonical Huffman code (RFC 1951, section 3.2.2). */
export interface Code {
  /** By the next 9 bits: `symbol << 4 | length`, or 0 where the code is longer. */
  readonly fast: Uint16Array;
  /** How many codes have each length, and the symbols in the order of their codes. */
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
}

const FAST_BITS = 9;
const MAX_BITS = 15;

/** Order in which the lengths of the length code stand (section 3.2.7). */
export const LENGTH_ORDER = Uint8Array.of(16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15);

/**
 * @param lengths bits of each symbol's code, 0 where it has none
 * @param single whether a code of one symbol (or none), which leaves bit patterns unused, is allowed
 * @throws ServiceError where the lengths make no prefix code
 */
export function buildCode(lengths: Uint8Array, single: boolean): Code {
  const counts = new Uint16Array(MAX_BITS + 1);
  for (const length of lengths) counts[length] = (counts[length] as number) + 1;
  const used = lengths.length - (counts[0] as number);
  counts[0] = 0;
  let left = 1;
  const offsets = new Uint16Array(MAX_BITS + 2);
  for (let length = 1; length <= MAX_BITS; length++) {
    left = left * 2 - (counts[length] as number);
    if (left < 0) throw damaged('The compressed pixels of the PNG are damaged: too many codes.');
    offsets[length + 1] = (offsets[length] as number) + (counts[length] as number);
  }
  if (left > 0 && !(single && (used === 0 || (used === 1 && counts[1] === 1)))) {
    throw damaged('The compressed pixels of the PNG are damaged: missing codes.');
  }
  const symbols = new Uint16Array(used);
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol] as number;
    if (length === 0) continue;
    symbols[offsets[length] as number] = symbol;
    offsets[length] = (offsets[length] as number) + 1;
  }
  return { fast: fastTable(counts, symbols), counts, symbols };
}

function fastTable(counts: Uint16Array, symbols: Uint16Array): Uint16Array {
  const fast = new Uint16Array(1 << FAST_BITS);
  let code = 0;
  let index = 0;
  for (let length = 1; length <= FAST_BITS; length++, code <<= 1) {
    for (let left = counts[length] as number; left > 0; left--, code++) {
      const entry = ((symbols[index++] as number) << 4) | length;
      for (let at = reverse(code, length); at < fast.length; at += 1 << length) fast[at] = entry;
    }
  }
  return fast;
}

/** Codes stand in the stream from their highest bit on, all else from the lowest. */
function reverse(code: number, length: number): number {
  let reversed = 0;
  for (let bit = 0; bit < length; bit++) reversed |= ((code >> bit) & 1) << (length - 1 - bit);
  return reversed;
}

/** The long way, bit by bit, for codes of more than 9 bits. @returns `symbol << 4 | length`, or 0 for no code */
export function symbolBySteps({ counts, symbols }: Code, hold: number): number {
  let code = 0;
  let first = 0;
  let index = 0;
  for (let length = 1; length <= MAX_BITS; length++) {
    code |= (hold >> (length - 1)) & 1;
    const count = counts[length] as number;
    if (code - count < first) return ((symbols[index + code - first] as number) << 4) | length;
    index += count;
    first = (first + count) << 1;
    code <<= 1;
  }
  return 0;
}

function fixedLengths(): Uint8Array {
  return new Uint8Array(288).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280);
}

/** Section 3.2.6. */
export const FIXED_LITERALS = buildCode(fixedLengths(), false);
export const FIXED_DISTANCES = buildCode(new Uint8Array(32).fill(5), false);
