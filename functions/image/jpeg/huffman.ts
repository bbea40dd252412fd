import { damaged } from '../errors.ts';

/** Lengths of codes, 1 to 16, and symbols in their order (T.81, annex C). */
export interface HuffmanTable {
  readonly counts: Uint8Array;
  readonly symbols: Uint8Array;
}

/** Bytes of a table as the kernel has it. */
export const TABLE_BYTES = 5120;
const FAST_BITS = 10;
const LAST_CODE = 4096;
const OFFSET = LAST_CODE + 68;
const SYMBOLS = LAST_CODE + 136;

/**
 * Writes a table as `assembly/huffman.ts` reads it.
 * @throws ServiceError where the lengths make no code
 */
export function writeTable({ counts, symbols }: HuffmanTable, memory: ArrayBufferLike, at: number): void {
  const fast = new Uint32Array(memory, at, 1 << FAST_BITS).fill(0);
  const lastCode = new Int32Array(memory, at + LAST_CODE, 17).fill(-1);
  const offset = new Int32Array(memory, at + OFFSET, 17).fill(0);
  new Uint8Array(memory, at + SYMBOLS, 256).fill(0).set(symbols);
  let code = 0;
  let index = 0;
  for (let length = 1; length <= 16; length++, code <<= 1) {
    const count = counts[length - 1] as number;
    offset[length] = index - code;
    for (let i = 0; i < count; i++, code++, index++) {
      if (length > FAST_BITS) continue;
      const symbol = symbols[index] as number;
      const size = symbol & 15;
      const entry = length | (size << 8) | ((symbol >> 4) << 16) | ((length + size) << 24);
      fast.fill(entry, code << (FAST_BITS - length), (code + 1) << (FAST_BITS - length));
    }
    if (code > 1 << length) throw damaged('A Huffman table of the JPEG is impossible.');
    if (count > 0) lastCode[length] = code - 1;
  }
}

/** Tables that a segment defines: by class (0 DC, 1 AC) and number. */
export function readTables(segment: Uint8Array, into: Map<number, HuffmanTable>): void {
  for (let at = 0; at < segment.length; ) {
    const [key = 0, ...rest] = segment.subarray(at, at + 17);
    const counts = Uint8Array.from(rest);
    const total = counts.reduce((sum, count) => sum + count, 0);
    const symbols = segment.slice(at + 17, at + 17 + total);
    if (counts.length < 16 || total > 256 || symbols.length < total || key > 0x13 || (key & 15) > 3) {
      throw damaged('A Huffman table of the JPEG is damaged.');
    }
    if (key < 16 && symbols.some((size) => size > 15)) throw damaged('A Huffman table of the JPEG is damaged.');
    into.set(tableKey(key >> 4, key & 15), { counts, symbols });
    at += 17 + total;
  }
}

export const tableKey = (kind: number, number: number): number => kind * 4 + number;

/** Motion JPEG leaves out the tables that T.81 gives as typical (K.3 to K.6). */
export function typicalTables(): Map<number, HuffmanTable> {
  const table = (counts: string, symbols: number[]) => ({
    counts: Uint8Array.from(counts, (digit) => Number.parseInt(digit, 36)),
    symbols: Uint8Array.from(symbols),
  });
  const sizes = Array.from({ length: 12 }, (_, i) => i);
  return new Map([
    [tableKey(0, 0), table('0151111110000000', sizes)],
    [tableKey(0, 1), table('0311111111100000', sizes)],
    [tableKey(1, 0), { counts: Uint8Array.from(AC_LUMA_COUNTS), symbols: hex(AC_LUMA) }],
    [tableKey(1, 1), { counts: Uint8Array.from(AC_CHROMA_COUNTS), symbols: hex(AC_CHROMA) }],
  ]);
}

const hex = (digits: string) => Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

const AC_LUMA_COUNTS = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d];
const AC_CHROMA_COUNTS = [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77];
const AC_LUMA = [
  '0102030004110512213141061351610722711432',
  '8191a1082342b1c11552d1f02433627282090a16',
  '1718191a25262728292a3435363738393a434445',
  '464748494a535455565758595a63646566676869',
  '6a737475767778797a838485868788898a929394',
  '95969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6',
  'b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8',
  'd9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa',
].join('');
const AC_CHROMA = [
  '0001020311040521310612415107617113223281',
  '08144291a1b1c109233352f0156272d10a162434',
  'e125f11718191a262728292a35363738393a4344',
  '45464748494a535455565758595a636465666768',
  '696a737475767778797a82838485868788898a92',
  '939495969798999aa2a3a4a5a6a7a8a9aab2b3b4',
  'b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6',
  'd7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa',
].join('');
