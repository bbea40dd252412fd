import { damaged } from '../errors.ts';
import { buildCode, type Code, FIXED_DISTANCES, FIXED_LITERALS, LENGTH_ORDER, symbolBySteps } from './huffman.ts';

/** Furthest that a match reaches back (RFC 1951, section 2). */
const WINDOW = 32_768;
const LONGEST_MATCH = 258;
const FLUSH = 65_536;
/**
 * Bits that follow a length's or a distance's code, and the shortest that it stands for (RFC 1951, section 3.2.5);
 * the last length, 258, stands outside the rule.
 */
const LENGTH_BITS = Uint8Array.from({ length: 29 }, (_, code) => (code < 8 || code === 28 ? 0 : (code - 4) >> 2));
const LENGTH_BASE = bases(LENGTH_BITS, 3).fill(LONGEST_MATCH, 28);
const DISTANCE_BITS = Uint8Array.from({ length: 30 }, (_, code) => (code < 2 ? 0 : (code - 2) >> 1));
const DISTANCE_BASE = bases(DISTANCE_BITS, 1);

function bases(bits: Uint8Array, first: number): Uint16Array {
  let next = first;
  return Uint16Array.from(bits, (count) => {
    const base = next;
    next += 1 << count;
    return base;
  });
}

const cut = () => damaged('The PNG is cut short: its compressed pixels end too early.');
const broken = (what: string, cause?: unknown) =>
  damaged(`The compressed pixels of the PNG are damaged: ${what}.`, cause);

/**
 * Inflates a zlib stream (RFC 1950 and 1951) piece by piece, without holding the whole.
 *
 * `DecompressionStream` would do the same, but it inflates whatever is written to it, read or not, so that a bomb
 * cannot be stopped; this stops at the byte, and gives a small picture without a turn of the event loop.
 *
 * @param expected bytes that the header promises; a stream that holds more, or less, is refused
 * @param sink gets the bytes in order; each piece is only valid during the call
 * @throws ServiceError `image-damaged`
 */
export function inflate(input: Uint8Array, expected: number, sink: (piece: Uint8Array) => void): void {
  new Inflater(input, expected, sink).run();
}

class Inflater {
  readonly #input: Uint8Array;
  readonly #expected: number;
  readonly #sink: (piece: Uint8Array) => void;
  /** The window, then what is not yet given away. */
  readonly #out: Uint8Array;
  #outAt = 0;
  #given = 0;
  #total = 0;
  #at = 0;
  /** Bits taken from the input and not yet used, lowest first, and how many. */
  #hold = 0;
  #bits = 0;
  #sumA = 1;
  #sumB = 0;
  #codesLeft: number;

  constructor(input: Uint8Array, expected: number, sink: (piece: Uint8Array) => void) {
    this.#input = input;
    this.#expected = expected;
    this.#sink = sink;
    this.#codesLeft = 1_000 + expected / 256;
    this.#out = new Uint8Array(Math.min(expected, WINDOW + FLUSH) + LONGEST_MATCH);
  }

  run(): void {
    const method = this.#take(8);
    const flags = this.#take(8);
    if ((method & 15) !== 8 || (method * 256 + flags) % 31 !== 0 || (flags & 32) !== 0) throw broken('no zlib header');
    let last = false;
    while (!last) {
      last = this.#take(1) === 1;
      const kind = this.#take(2);
      if (kind === 0) this.#stored();
      else if (kind === 1) this.#compressed(FIXED_LITERALS, FIXED_DISTANCES);
      else if (kind === 2) this.#dynamic();
      else throw broken('unknown block');
    }
    this.#flush();
    if (this.#total !== this.#expected) throw cut();
    this.#align();
    const b = this.#take(8) * 256 + this.#take(8);
    const a = this.#take(8) * 256 + this.#take(8);
    if (a !== this.#sumA || b !== this.#sumB) throw broken('wrong checksum');
  }

  #take(count: number): number {
    while (this.#bits < count) {
      if (this.#at >= this.#input.length) throw cut();
      this.#hold |= (this.#input[this.#at++] as number) << this.#bits;
      this.#bits += 8;
    }
    const value = this.#hold & ((1 << count) - 1);
    this.#hold >>>= count;
    this.#bits -= count;
    return value;
  }

  /** To the next whole byte. */
  #align(): void {
    this.#take(this.#bits & 7);
  }

  #stored(): void {
    this.#align();
    const length = this.#take(16);
    if (this.#take(16) !== (length ^ 0xffff)) throw broken('wrong length of a stored block');
    for (let left = length; left > 0; left--) {
      this.#makeRoom();
      this.#out[this.#outAt++] = this.#take(8);
    }
  }

  /** Code lengths, themselves coded (RFC 1951, section 3.2.7). Too many blocks of few pixels would only cost time. */
  #dynamic(): void {
    if (--this.#codesLeft < 0) throw broken('too many blocks');
    const literals = this.#take(5) + 257;
    const distances = this.#take(5) + 1;
    const given = this.#take(4) + 4;
    if (literals > 286 || distances > 30) throw broken('too many codes');
    const ofLengths = new Uint8Array(19);
    for (let i = 0; i < given; i++) ofLengths[LENGTH_ORDER[i] as number] = this.#take(3);
    const code = buildCode(ofLengths, false);
    const lengths = new Uint8Array(literals + distances);
    for (let i = 0; i < lengths.length; ) {
      const symbol = this.#symbol(code);
      if (symbol < 16) {
        lengths[i++] = symbol;
        continue;
      }
      if (symbol === 16 && i === 0) throw broken('nothing to repeat');
      const value = symbol === 16 ? (lengths[i - 1] as number) : 0;
      const repeat = symbol === 16 ? 3 + this.#take(2) : symbol === 17 ? 3 + this.#take(3) : 11 + this.#take(7);
      if (i + repeat > lengths.length) throw broken('too many code lengths');
      lengths.fill(value, i, i + repeat);
      i += repeat;
    }
    if (lengths[256] === 0) throw broken('no end of block');
    this.#compressed(buildCode(lengths.subarray(0, literals), true), buildCode(lengths.subarray(literals), true));
  }

  #symbol(code: Code): number {
    const input = this.#input;
    while (this.#bits < 15 && this.#at < input.length) {
      this.#hold |= (input[this.#at++] as number) << this.#bits;
      this.#bits += 8;
    }
    const entry = code.fast[this.#hold & 511] as number;
    const found = entry !== 0 ? entry : symbolBySteps(code, this.#hold);
    const length = found & 15;
    if (length === 0) throw broken('unknown code');
    if (length > this.#bits) throw cut();
    this.#hold >>>= length;
    this.#bits -= length;
    return found >> 4;
  }

  #compressed(literals: Code, distances: Code): void {
    const out = this.#out;
    for (;;) {
      const symbol = this.#symbol(literals);
      if (symbol === 256) return;
      this.#makeRoom();
      if (symbol < 256) {
        out[this.#outAt++] = symbol;
        continue;
      }
      if (symbol > 285) throw broken('unknown length');
      const length = (LENGTH_BASE[symbol - 257] as number) + this.#take(LENGTH_BITS[symbol - 257] as number);
      const code = this.#symbol(distances);
      if (code > 29) throw broken('unknown distance');
      const distance = (DISTANCE_BASE[code] as number) + this.#take(DISTANCE_BITS[code] as number);
      if (distance > this.#outAt) throw broken('a match before the beginning');
      let to = this.#outAt;
      for (let from = to - distance, end = to + length; to < end; ) out[to++] = out[from++] as number;
      this.#outAt = to;
    }
  }

  /** Leaves room for one match, so that the loops above need not look; stops what is longer than promised. */
  #makeRoom(): void {
    if (this.#outAt + LONGEST_MATCH <= this.#out.length) return;
    this.#flush();
    const keep = Math.min(this.#outAt, WINDOW);
    this.#out.copyWithin(0, this.#outAt - keep, this.#outAt);
    this.#outAt = keep;
    this.#given = keep;
  }

  #flush(): void {
    const piece = this.#out.subarray(this.#given, this.#outAt);
    this.#given = this.#outAt;
    this.#total += piece.length;
    if (this.#total > this.#expected) throw broken('more of them than its size says');
    this.#checksum(piece);
    this.#sink(piece);
  }

  /** Adler-32 (RFC 1950, section 9); 3,800 additions stay below 2^31 before the remainder is taken. */
  #checksum(piece: Uint8Array): void {
    let a = this.#sumA;
    let b = this.#sumB;
    for (let at = 0; at < piece.length; ) {
      for (const end = Math.min(at + 3_800, piece.length); at < end; at++) {
        a += piece[at] as number;
        b += a;
      }
      a %= 65_521;
      b %= 65_521;
    }
    this.#sumA = a;
    this.#sumB = b;
  }
}
