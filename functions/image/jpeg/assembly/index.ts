import { beginInput, inputUsed, ranOut, restart } from './bits';
import { BLOCK, Component, component, SCAN } from './component';
import { broken, mend } from './huffman';
import { flat, idct2, idct4, idct8 } from './idct';
import { acFirst, acRefine, beginBands, dcFirst, dcRefine } from './progressive';
import { sequentialBlock } from './sequential';

export { beginInput, inputUsed } from './bits';
export { beginRows, outputRow } from './rows';

let unitsAcross: i32 = 0;
let components: i32 = 0;
let restartInterval: i32 = 0;
let untilRestart: i32 = 0;
let restarts: i32 = 0;

/** Before each scan. @param interval units between restart markers, 0 for none */
export function beginScan(across: i32, count: i32, interval: i32): void {
  unitsAcross = across;
  components = count;
  restartInterval = interval;
  untilRestart = interval;
  restarts = 0;
  mend();
  // A damaged picture may have left something.
  memory.fill(BLOCK, 0, 256);
  beginInput();
  beginUnits();
}

function beginUnits(): void {
  for (let i = 0; i < 4; i++) component(i).predicted = 0;
  beginBands();
}

/** Before each unit. @returns false if the restart marker that is due is not there */
// @ts-ignore: decorator
@inline
function due(): bool {
  if (restartInterval == 0) return true;
  if (untilRestart == 0) {
    if (ranOut() || !restart(restarts++)) return false;
    untilRestart = restartInterval;
    beginUnits();
  }
  untilRestart--;
  return true;
}

// @ts-ignore: decorator
@inline
function transform(c: Component, block: i32, out: i32): void {
  if (c.side == 8) idct8(block, c.quantizers, out, c.stride);
  else if (c.side == 4) idct4(block, c.quantizers, out, c.stride);
  else if (c.side == 2) idct2(block, c.quantizers, out, c.stride);
  else flat(block, c.quantizers, 1, out, c.stride);
}

/** The block's coefficients, which are few: a call to fill them takes longer. */
// @ts-ignore: decorator
@inline
function clear(side: i32): void {
  if (side <= 2) {
    store<u64>(BLOCK, 0);
    return;
  }
  for (let at = 0; at < side * side * 2; at += 16) v128.store(BLOCK + at, i64x2.splat(0));
}

/** One row of units of the only scan, into the planes. @returns whether the data is sound */
export function sequentialUnits(row: i32): bool {
  for (let unit = 0; unit < unitsAcross; unit++) {
    if (!due()) return false;
    for (let i = 0; i < components; i++) {
      const c = component(load<u8>(SCAN + i));
      const side = c.side;
      let out = c.plane + (row & 1) * c.down * side * c.stride + unit * c.across * side;
      for (let y = 0; y < c.down; y++, out += side * c.stride) {
        for (let x = 0; x < c.across; x++) {
          if (!sequentialBlock(c, BLOCK)) {
            flat(BLOCK, c.quantizers, side, out + x * side, c.stride);
            continue;
          }
          transform(c, BLOCK, out + x * side);
          clear(side);
        }
      }
    }
  }
  return !broken && !ranOut();
}

/** One row of units from the coefficients of all scans, into the planes. */
export function keptUnits(row: i32): void {
  for (let i = 0; i < components; i++) {
    const c = component(i);
    const size = c.side * c.side * 2;
    let out = c.plane + (row & 1) * c.down * c.side * c.stride;
    let block = c.coefficients + row * c.down * c.blocksAcross * size;
    for (let y = 0; y < c.down; y++, out += c.side * c.stride) {
      for (let x = 0; x < c.blocksAcross; x++, block += size) transform(c, block, out + x * c.side);
    }
  }
}

/**
 * One row of units of one scan of several, added to the coefficients; a scan of one component has blocks for units.
 * @param kind 0 sequential, else progressive
 * @returns whether the data is sound
 */
export function scanUnits(row: i32, kind: i32, first: i32, last: i32, high: i32, low: i32): bool {
  if (components == 1) {
    const c = component(load<u8>(SCAN));
    const from = row * c.blocksAcross;
    for (let x = 0; x < c.ownAcross; x++) {
      if (!due()) return false;
      scanBlock(c, from + x, kind, first, last, high, low);
    }
    return !broken && !ranOut();
  }
  for (let unit = 0; unit < unitsAcross; unit++) {
    if (!due()) return false;
    for (let i = 0; i < components; i++) {
      const c = component(load<u8>(SCAN + i));
      for (let y = 0; y < c.down; y++) {
        const from = (row * c.down + y) * c.blocksAcross + unit * c.across;
        for (let x = 0; x < c.across; x++) scanBlock(c, from + x, kind, first, last, high, low);
      }
    }
  }
  return !broken && !ranOut();
}

function scanBlock(c: Component, index: i32, kind: i32, first: i32, last: i32, high: i32, low: i32): void {
  const size = c.side * c.side * 2;
  const block = c.coefficients + index * size;
  if (kind == 0) {
    sequentialBlock(c, BLOCK);
    memory.copy(block, BLOCK, size);
    memory.fill(BLOCK, 0, size);
    return;
  }
  if (first == 0) {
    if (high == 0) dcFirst(c, block, low);
    else dcRefine(block, low);
    return;
  }
  const history = c.history + index * 8;
  if (high == 0) acFirst(c, block, history, first, last, low);
  else acRefine(c, block, history, first, last, low);
}
