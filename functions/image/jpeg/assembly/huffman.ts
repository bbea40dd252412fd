/**
 * A Huffman table as `tables.ts` writes it: u32 `[1024]` by the next ten bits, then i32 `[17]` last code of each length,
 * i32 `[17]` what turns a code of that length into an index, u8 `[256]` symbols. An entry is
 * `length | size << 8 | run << 16 | (length + size) << 24`; 0 where the code is longer than ten bits, or none.
 */
const LAST_CODE: i32 = 4096;
const OFFSET: i32 = 4096 + 68;
const SYMBOLS: i32 = 4096 + 136;

/** Whether a code was met that the table does not have. */
export let broken: bool = false;

export function mend(): void {
  broken = false;
}

export function longCode(table: i32, bits: u64): u32 {
  const code = (bits >> 48) as i32;
  for (let length = 11; length <= 16; length++) {
    const head = code >> (16 - length);
    if (head > load<i32>(table + LAST_CODE + length * 4)) continue;
    const symbol = load<u8>(table + SYMBOLS + ((head + load<i32>(table + OFFSET + length * 4)) & 255)) as u32;
    const size = symbol & 15;
    return (length as u32) | (size << 8) | ((symbol >> 4) << 16) | ((length + size) << 24);
  }
  broken = true;
  return 1 | (1 << 24);
}

// @ts-ignore: decorator
@inline
export function entry(table: i32, bits: u64): u32 {
  const found = load<u32>(table + (((bits >> 54) as i32) << 2));
  return found != 0 ? found : longCode(table, bits);
}

/** The top `size` bits after `length` of them. */
// @ts-ignore: decorator
@inline
export function take(bits: u64, length: u32, size: u32): i32 {
  return (((bits << length) >> 1) >> (63 - size)) as i32;
}

/** T.81, F.2.2.1: EXTEND. */
// @ts-ignore: decorator
@inline
export function extend(value: i32, size: u32): i32 {
  return value + (((value - (1 << (size - 1))) >> 31) & ((-1 << size) + 1));
}
