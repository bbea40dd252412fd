import { INPUT } from './component';

/**
 * Puts more of the file at INPUT.
 * @param used bytes of what was there that are done with
 * @returns how many there are now
 */
// @ts-ignore: decorator
@external('env', 'more')
declare function more(used: i32): i32;

/** Bits not yet taken, the next one on top, and how many there are. */
export let bits: u64 = 0;
export let count: i32 = 0;
/** Of those, zeros that were made up after the data had ended. */
let madeUp: i32 = 0;
let atMarker: bool = false;
let position: i32 = INPUT;
let end: i32 = INPUT;

export function setBits(value: u64, left: i32): void {
  bits = value;
  count = left;
}

/** Begins where the file has to be read next. */
export function beginInput(): void {
  position = INPUT;
  end = INPUT;
  beginSegment();
}

function beginSegment(): void {
  bits = 0;
  count = 0;
  madeUp = 0;
  atMarker = false;
}

/** Bytes of INPUT that are read. */
export function inputUsed(): i32 {
  return position - INPUT;
}

/** Whether more was taken than the data had. */
export function ranOut(): bool {
  return count < madeUp;
}

function atLeast(bytes: i32): bool {
  if (position + bytes <= end) return true;
  const there = more(position - INPUT);
  position = INPUT;
  end = INPUT + there;
  return bytes <= there;
}

/** At least 32 bits, of which `count` may be less than that now. */
export function fill(): void {
  if (position + 4 <= end) {
    const word = bswap<u32>(load<u32>(position));
    // No byte of it is 0xff.
    if (((~word - 0x01010101) & word & 0x80808080) == 0) {
      bits |= ((word as u64) << 32) >> count;
      count += 32;
      position += 4;
      return;
    }
  }
  while (count <= 56) {
    bits |= (nextByte() as u64) << (56 - count);
    count += 8;
  }
}

function nextByte(): u32 {
  if (!atMarker) {
    if (atLeast(1)) {
      const byte = load<u8>(position) as u32;
      if (byte != 0xff) {
        position++;
        return byte;
      }
      while (atLeast(2)) {
        const code = load<u8>(position, 1);
        if (code == 0xff) {
          position++;
          continue;
        }
        if (code != 0) break;
        position += 2;
        return 0xff;
      }
    }
    atMarker = true;
  }
  // Far below what a row of units takes before it is asked whether the data ran out.
  madeUp += 8;
  return 0;
}

/** To the data after the restart marker `number`; false if another marker, or none, comes first. */
export function restart(number: i32): bool {
  while (atLeast(2)) {
    const code = load<u8>(position, 1);
    if (load<u8>(position) != 0xff || code == 0 || code == 0xff) {
      position++;
      continue;
    }
    if (code != 0xd0 + (number & 7)) return false;
    position += 2;
    beginSegment();
    return true;
  }
  return false;
}
