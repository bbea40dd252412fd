/** The transforms of F(4x4, 3x3) in one direction; `stride`, or `plane`, is the distance between their results in bytes. */

/** B^T: six rows → six, int16. */
// @ts-ignore: decorator
@inline
export function inputColumn(d0: v128, d1: v128, d2: v128, d3: v128, d4: v128, d5: v128, to: usize, stride: i32): void {
  const even4 = i16x8.sub(d4, i16x8.shl(d2, 2));
  const odd4 = i16x8.sub(d3, i16x8.shl(d1, 2));
  const even1 = i16x8.sub(d4, d2);
  const odd2 = i16x8.shl(i16x8.sub(d3, d1), 1);
  // 4 d0 − 5 d2 + d4 and 4 d1 − 5 d3 + d5
  v128.store(to, i16x8.add(even4, i16x8.sub(i16x8.shl(d0, 2), d2)));
  v128.store((to += stride), i16x8.add(even4, odd4));
  v128.store((to += stride), i16x8.sub(even4, odd4));
  v128.store((to += stride), i16x8.add(even1, odd2));
  v128.store((to += stride), i16x8.sub(even1, odd2));
  v128.store((to += stride), i16x8.sub(i16x8.sub(d5, d3), i16x8.shl(i16x8.sub(d3, d1), 2)));
}

/** G without its denominators on one row, its three taps in registers: three → six, int16. */
// @ts-ignore: decorator
@inline
function weightRow(g0: v128, g1: v128, g2: v128, to: usize, plane: i32): void {
  const even = i16x8.add(g0, g2);
  const even4 = i16x8.add(g0, i16x8.shl(g2, 2));
  const odd2 = i16x8.shl(g1, 1);
  v128.store(to, g0);
  v128.store((to += plane), i16x8.add(even, g1));
  v128.store((to += plane), i16x8.sub(even, g1));
  v128.store((to += plane), i16x8.add(even4, odd2));
  v128.store((to += plane), i16x8.sub(even4, odd2));
  v128.store((to += plane), g2);
}

/** A^T times (6 −4 −4 1 1 24): six int32 → four, one each. */
// @ts-ignore: decorator
@inline
export function output0(m0: v128, m1: v128, m2: v128, m3: v128, m4: v128): v128 {
  const six = i32x4.shl(i32x4.add(m0, i32x4.shl(m0, 1)), 1);
  return i32x4.add(i32x4.sub(six, i32x4.shl(i32x4.add(m1, m2), 2)), i32x4.add(m3, m4));
}

// @ts-ignore: decorator
@inline
export function output1(m1: v128, m2: v128, m3: v128, m4: v128): v128 {
  return i32x4.sub(i32x4.shl(i32x4.sub(m3, m4), 1), i32x4.shl(i32x4.sub(m1, m2), 2));
}

// @ts-ignore: decorator
@inline
export function output2(m1: v128, m2: v128, m3: v128, m4: v128): v128 {
  return i32x4.shl(i32x4.sub(i32x4.add(m3, m4), i32x4.add(m1, m2)), 2);
}

// @ts-ignore: decorator
@inline
export function output3(m1: v128, m2: v128, m3: v128, m4: v128, m5: v128): v128 {
  const twentyFour = i32x4.shl(i32x4.add(m5, i32x4.shl(m5, 1)), 3);
  return i32x4.add(i32x4.sub(i32x4.shl(i32x4.sub(m3, m4), 3), i32x4.shl(i32x4.sub(m1, m2), 2)), twentyFour);
}

/** The same of six vectors in memory, to memory. */
// @ts-ignore: decorator
@inline
export function outputColumn(from: usize, fromStride: i32, to: usize, stride: i32): void {
  const m0 = v128.load(from);
  const m1 = v128.load((from += fromStride)), m2 = v128.load((from += fromStride));
  const m3 = v128.load((from += fromStride)), m4 = v128.load((from += fromStride));
  const m5 = v128.load((from += fromStride));
  v128.store(to, output0(m0, m1, m2, m3, m4));
  v128.store((to += stride), output1(m1, m2, m3, m4));
  v128.store((to += stride), output2(m1, m2, m3, m4));
  v128.store((to += stride), output3(m1, m2, m3, m4, m5));
}

/**
 * int8 [9][C/4][8][4] (a panel of `conv`) → 36 planes of int16 [C/2][8][2], C rounded up to 8 with zeros.
 * @param channels input channels rounded up to 4
 */
export function transformWeights(panel: usize, channels: i32, to: usize, plane: i32): void {
  for (let c = 0; c < channels; c += 4, to += 64) {
    for (let quad = 0; quad < 2; quad++) {
      const from = panel + c * 8 + quad * 16;
      transformPair(from, channels * 8, to + quad * 16, plane, false);
      transformPair(from, channels * 8, to + quad * 16 + 32, plane, true);
    }
  }
  if (channels & 4) {
    for (let point = 0; point < 36; point++, to += plane) {
      for (let at = 0; at < 64; at += 16) v128.store(to + at, i32x4.splat(0));
    }
  }
}

/** 4 output channels by 2 of 4 input channels: each of six rows is made of three, then widened to six. */
// @ts-ignore: decorator
@inline
function transformPair(from: usize, tap: i32, to: usize, plane: i32, upper: bool): void {
  const g00 = widened(from, upper), g01 = widened((from += tap), upper), g02 = widened((from += tap), upper);
  const g10 = widened((from += tap), upper), g11 = widened((from += tap), upper), g12 = widened((from += tap), upper);
  const g20 = widened((from += tap), upper), g21 = widened((from += tap), upper), g22 = widened((from += tap), upper);
  const row = 6 * plane;
  weightRow(g00, g01, g02, to, plane);
  let a0 = i16x8.add(g00, g20), a1 = i16x8.add(g01, g21), a2 = i16x8.add(g02, g22);
  weightRow(i16x8.add(a0, g10), i16x8.add(a1, g11), i16x8.add(a2, g12), (to += row), plane);
  weightRow(i16x8.sub(a0, g10), i16x8.sub(a1, g11), i16x8.sub(a2, g12), (to += row), plane);
  a0 = i16x8.add(g00, i16x8.shl(g20, 2)), a1 = i16x8.add(g01, i16x8.shl(g21, 2)), a2 = i16x8.add(g02, i16x8.shl(g22, 2));
  const b0 = i16x8.shl(g10, 1), b1 = i16x8.shl(g11, 1), b2 = i16x8.shl(g12, 1);
  weightRow(i16x8.add(a0, b0), i16x8.add(a1, b1), i16x8.add(a2, b2), (to += row), plane);
  weightRow(i16x8.sub(a0, b0), i16x8.sub(a1, b1), i16x8.sub(a2, b2), (to += row), plane);
  weightRow(g20, g21, g22, (to += row), plane);
}

/** Of 4 output channels by 4 input channels, the first or last two input channels of each. */
// @ts-ignore: decorator
@inline
function widened(at: usize, upper: bool): v128 {
  const w = v128.load(at);
  return i16x8.extend_low_i8x16_s(
    upper
      ? v128.shuffle<i16>(w, w, 1, 3, 5, 7, 1, 3, 5, 7)
      : v128.shuffle<i16>(w, w, 0, 2, 4, 6, 0, 2, 4, 6),
  );
}
