import { bits, count, fill, setBits } from './bits';
import { Component } from './component';
import { entry, extend, take } from './huffman';

/**
 * One block of a sequential scan (T.81, F.2.2), into `block`, which is all zero.
 * Coefficients after the last one that is kept are passed over by their length alone.
 * @returns whether any but the first may be other than zero
 */
export function sequentialBlock(c: Component, block: i32): bool {
  if (count < 32) fill();
  let b = bits;
  let n = count;
  let e = entry(c.dc, b);
  let size = (e >> 8) & 15;
  c.predicted += extend(take(b, e & 255, size), size);
  store<i16>(block, c.predicted as i16);
  b <<= e >> 24;
  n -= e >> 24;

  const table = c.ac;
  const place = c.place;
  const last = c.last;
  let index = 1;
  let more = true;
  let any = false;
  while (index <= last) {
    if (n < 32) {
      setBits(b, n);
      fill();
      b = bits;
      n = count;
    }
    e = entry(table, b);
    size = (e >> 8) & 255;
    const run = (e >> 16) & 255;
    if (size == 0) {
      b <<= e & 255;
      n -= e & 255;
      if (run != 15) {
        more = false;
        break;
      }
      index += 16;
      continue;
    }
    index += run;
    store<i16>(block + load<u16>(place + (index << 1)), extend(take(b, e & 255, size), size) as i16);
    any = true;
    b <<= e >> 24;
    n -= e >> 24;
    index++;
  }
  while (more && index < 64) {
    if (n < 32) {
      setBits(b, n);
      fill();
      b = bits;
      n = count;
    }
    e = entry(table, b);
    b <<= e >> 24;
    n -= e >> 24;
    const run = (e >> 16) & 255;
    if ((e & 0xff00) == 0 && run != 15) break;
    index += run + 1;
  }
  setBits(b, n);
  return any;
}
