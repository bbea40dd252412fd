import { dot } from './dot';

/**
 * The dot products of the engine and nothing else: one tile, again and again, on weights and rows that stay in the
 * first-level cache. What a convolution reaches at most. K is `k`, a multiple of 16, of every tile; sums are stored
 * once at the end, so that they have to be computed.
 */

/** Form w, 2 rows by 16 channels: weights [k/4][16][4], rows of k bytes. */
export function w(weights: usize, rows: usize, k: i32, times: i32): void {
  const ones = i16x8.splat(1);
  let acc00 = i32x4.splat(0), acc01 = acc00, acc02 = acc00, acc03 = acc00;
  let acc10 = acc00, acc11 = acc00, acc12 = acc00, acc13 = acc00;
  while (times-- > 0) {
    let panel = weights, row0 = rows, row1 = rows + k;
    const stop = row0 + k;
    while (row0 < stop) {
      const a = v128.load32_splat(row0), b = v128.load32_splat(row1);
      let v = v128.load(panel);
      acc00 = i32x4.add(acc00, i32x4.dot_i16x8_s(dot(v, a), ones));
      acc10 = i32x4.add(acc10, i32x4.dot_i16x8_s(dot(v, b), ones));
      v = v128.load(panel, 16);
      acc01 = i32x4.add(acc01, i32x4.dot_i16x8_s(dot(v, a), ones));
      acc11 = i32x4.add(acc11, i32x4.dot_i16x8_s(dot(v, b), ones));
      v = v128.load(panel, 32);
      acc02 = i32x4.add(acc02, i32x4.dot_i16x8_s(dot(v, a), ones));
      acc12 = i32x4.add(acc12, i32x4.dot_i16x8_s(dot(v, b), ones));
      v = v128.load(panel, 48);
      acc03 = i32x4.add(acc03, i32x4.dot_i16x8_s(dot(v, a), ones));
      acc13 = i32x4.add(acc13, i32x4.dot_i16x8_s(dot(v, b), ones));
      row0 += 4, row1 += 4, panel += 64;
    }
  }
  store(acc00, acc01, acc02, acc03, acc10, acc11, acc12, acc13);
}

/** Form w4, 4 rows by 8 channels: weights [k/4][8][4]. Four dots are added in 16 bits before they are widened. */
export function w4(weights: usize, rows: usize, k: i32, times: i32): void {
  const ones = i16x8.splat(1);
  let acc00 = i32x4.splat(0), acc01 = acc00, acc10 = acc00, acc11 = acc00;
  let acc20 = acc00, acc21 = acc00, acc30 = acc00, acc31 = acc00;
  while (times-- > 0) {
    let panel = weights, row0 = rows, row1 = rows + k, row2 = row1 + k, row3 = row2 + k;
    const stop = row0 + k;
    while (row0 < stop) {
      let v0 = v128.load(panel), v1 = v128.load(panel, 16);
      let a = v128.load32_splat(row0), b = v128.load32_splat(row1);
      let h00 = dot(v0, a), h01 = dot(v1, a), h10 = dot(v0, b), h11 = dot(v1, b);
      v0 = v128.load(panel, 32), v1 = v128.load(panel, 48);
      a = v128.load32_splat(row0, 4), b = v128.load32_splat(row1, 4);
      h00 = i16x8.add(h00, dot(v0, a)), h01 = i16x8.add(h01, dot(v1, a));
      h10 = i16x8.add(h10, dot(v0, b)), h11 = i16x8.add(h11, dot(v1, b));
      v0 = v128.load(panel, 64), v1 = v128.load(panel, 80);
      a = v128.load32_splat(row0, 8), b = v128.load32_splat(row1, 8);
      h00 = i16x8.add(h00, dot(v0, a)), h01 = i16x8.add(h01, dot(v1, a));
      h10 = i16x8.add(h10, dot(v0, b)), h11 = i16x8.add(h11, dot(v1, b));
      v0 = v128.load(panel, 96), v1 = v128.load(panel, 112);
      a = v128.load32_splat(row0, 12), b = v128.load32_splat(row1, 12);
      h00 = i16x8.add(h00, dot(v0, a)), h01 = i16x8.add(h01, dot(v1, a));
      h10 = i16x8.add(h10, dot(v0, b)), h11 = i16x8.add(h11, dot(v1, b));
      acc00 = i32x4.add(acc00, i32x4.dot_i16x8_s(h00, ones)), acc01 = i32x4.add(acc01, i32x4.dot_i16x8_s(h01, ones));
      acc10 = i32x4.add(acc10, i32x4.dot_i16x8_s(h10, ones)), acc11 = i32x4.add(acc11, i32x4.dot_i16x8_s(h11, ones));

      v0 = v128.load(panel), v1 = v128.load(panel, 16);
      a = v128.load32_splat(row2), b = v128.load32_splat(row3);
      h00 = dot(v0, a), h01 = dot(v1, a), h10 = dot(v0, b), h11 = dot(v1, b);
      v0 = v128.load(panel, 32), v1 = v128.load(panel, 48);
      a = v128.load32_splat(row2, 4), b = v128.load32_splat(row3, 4);
      h00 = i16x8.add(h00, dot(v0, a)), h01 = i16x8.add(h01, dot(v1, a));
      h10 = i16x8.add(h10, dot(v0, b)), h11 = i16x8.add(h11, dot(v1, b));
      v0 = v128.load(panel, 64), v1 = v128.load(panel, 80);
      a = v128.load32_splat(row2, 8), b = v128.load32_splat(row3, 8);
      h00 = i16x8.add(h00, dot(v0, a)), h01 = i16x8.add(h01, dot(v1, a));
      h10 = i16x8.add(h10, dot(v0, b)), h11 = i16x8.add(h11, dot(v1, b));
      v0 = v128.load(panel, 96), v1 = v128.load(panel, 112);
      a = v128.load32_splat(row2, 12), b = v128.load32_splat(row3, 12);
      h00 = i16x8.add(h00, dot(v0, a)), h01 = i16x8.add(h01, dot(v1, a));
      h10 = i16x8.add(h10, dot(v0, b)), h11 = i16x8.add(h11, dot(v1, b));
      acc20 = i32x4.add(acc20, i32x4.dot_i16x8_s(h00, ones)), acc21 = i32x4.add(acc21, i32x4.dot_i16x8_s(h01, ones));
      acc30 = i32x4.add(acc30, i32x4.dot_i16x8_s(h10, ones)), acc31 = i32x4.add(acc31, i32x4.dot_i16x8_s(h11, ones));
      row0 += 16, row1 += 16, row2 += 16, row3 += 16, panel += 128;
    }
  }
  store(acc00, acc01, acc10, acc11, acc20, acc21, acc30, acc31);
}

/** The relaxed dot product that adds by itself, 2 rows by 16 channels: one instruction on some processors. */
export function b(weights: usize, rows: usize, k: i32, times: i32): void {
  let acc00 = i32x4.splat(0), acc01 = acc00, acc02 = acc00, acc03 = acc00;
  let acc10 = acc00, acc11 = acc00, acc12 = acc00, acc13 = acc00;
  while (times-- > 0) {
    let panel = weights, row0 = rows, row1 = rows + k;
    const stop = row0 + k;
    while (row0 < stop) {
      const a = v128.load32_splat(row0), b = v128.load32_splat(row1);
      let v = v128.load(panel);
      acc00 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v, a, acc00);
      acc10 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v, b, acc10);
      v = v128.load(panel, 16);
      acc01 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v, a, acc01);
      acc11 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v, b, acc11);
      v = v128.load(panel, 32);
      acc02 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v, a, acc02);
      acc12 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v, b, acc12);
      v = v128.load(panel, 48);
      acc03 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v, a, acc03);
      acc13 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v, b, acc13);
      row0 += 4, row1 += 4, panel += 64;
    }
  }
  store(acc00, acc01, acc02, acc03, acc10, acc11, acc12, acc13);
}

// @ts-ignore: decorator
@inline
function store(a: v128, b: v128, c: v128, d: v128, e: v128, f: v128, g: v128, h: v128): void {
  v128.store(0, a), v128.store(16, b), v128.store(32, c), v128.store(48, d);
  v128.store(64, e), v128.store(80, f), v128.store(96, g), v128.store(112, h);
}
