import { bits, count, fill, setBits } from './bits';
import { Component } from './component';
import { entry, extend } from './huffman';

/** Blocks of the band that are at their end already. */
let endRun: i32 = 0;

export function beginBands(): void {
  endRun = 0;
}

function take(length: i32): i32 {
  if (count < 32) fill();
  const value = ((bits >> 1) >> (63 - length)) as i32;
  setBits(bits << length, count - length);
  return value;
}

function symbol(table: i32): i32 {
  if (count < 32) fill();
  const e = entry(table, bits);
  setBits(bits << (e & 255), count - (e & 255));
  return (((e >> 12) & 0xf0) | ((e >> 8) & 15)) as i32;
}

/** T.81, G.1.2.1. */
export function dcFirst(c: Component, block: i32, low: i32): void {
  const size = symbol(c.dc);
  c.predicted += extend(take(size), size);
  store<i16>(block, (c.predicted << low) as i16);
}

export function dcRefine(block: i32, low: i32): void {
  if (take(1)) store<i16>(block, ((load<i16>(block) as i32) | (1 << low)) as i16);
}

/** T.81, G.1.2.2. */
export function acFirst(c: Component, block: i32, history: i32, first: i32, last: i32, low: i32): void {
  if (endRun > 0) {
    endRun--;
    return;
  }
  const kept = c.side * c.side * 2;
  let seen = load<u64>(history);
  for (let index = first; index <= last; index++) {
    const s = symbol(c.ac);
    const run = s >> 4;
    const size = s & 15;
    if (size == 0) {
      if (run != 15) {
        endRun = (1 << run) - 1 + take(run);
        break;
      }
      index += 15;
      continue;
    }
    index += run;
    const value = extend(take(size), size) << low;
    if (index > 63) break;
    const at = load<u16>(c.place + (index << 1)) as i32;
    if (at < kept) store<i16>(block + at, value as i16);
    seen |= (1 as u64) << index;
  }
  store<u64>(history, seen);
}

/** T.81, G.1.2.3: one more bit of those that are not zero, and new ones between them. */
export function acRefine(c: Component, block: i32, history: i32, first: i32, last: i32, low: i32): void {
  let seen = load<u64>(history);
  let index = first;
  if (endRun == 0) {
    for (; index <= last; index++) {
      const s = symbol(c.ac);
      let run = s >> 4;
      let value = 0;
      if ((s & 15) != 0) {
        value = take(1) ? 1 << low : -1 << low;
      } else if (run != 15) {
        endRun = (1 << run) + take(run);
        break;
      }
      for (; index <= last; index++) {
        if ((seen >> index) & 1) correct(c, block, index, low);
        else if (--run < 0) break;
      }
      if (value == 0 || index > last) continue;
      const at = load<u16>(c.place + (index << 1)) as i32;
      if (at < c.side * c.side * 2) store<i16>(block + at, value as i16);
      seen |= (1 as u64) << index;
    }
    store<u64>(history, seen);
  }
  if (endRun == 0) return;
  endRun--;
  if (seen >> index == 0) return;
  for (; index <= last; index++) if ((seen >> index) & 1) correct(c, block, index, low);
}

function correct(c: Component, block: i32, index: i32, low: i32): void {
  if (!take(1)) return;
  const at = load<u16>(c.place + (index << 1)) as i32;
  if (at >= c.side * c.side * 2) return;
  const value = load<i16>(block + at) as i32;
  if ((value & (1 << low)) == 0) store<i16>(block + at, (value + (value >= 0 ? 1 << low : -1 << low)) as i16);
}
