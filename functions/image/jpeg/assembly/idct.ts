/**
 * Inverse DCT, accurate integer form (Loeffler, Ligtenberg, Moschytz 1989; libjpeg's "islow", with the same 13-bit
 * constants and roundings). The smaller ones take the lowest coefficients only.
 */

// @ts-ignore: decorator
@inline
function pair(a: i16, b: i16): v128 {
  return i16x8(a, b, a, b, a, b, a, b);
}

/** Where a pass has its eight rows, and leaves them: i16 `[8, 8]`. */
const WORK: i32 = 49408;

// @ts-ignore: decorator
@inline
function low(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
// @ts-ignore: decorator
@inline
function high(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
// @ts-ignore: decorator
@inline
function dot(a: v128, b: v128): v128 {
  return i32x4.dot_i16x8_s(a, b);
}
// @ts-ignore: decorator
@inline
function sumRow(a: v128, b: v128, round: v128, shift: i32): v128 {
  return i32x4.shr_s(i32x4.add(i32x4.add(a, b), round), shift);
}
// @ts-ignore: decorator
@inline
function lessRow(a: v128, b: v128, round: v128, shift: i32): v128 {
  return i32x4.shr_s(i32x4.add(i32x4.sub(a, b), round), shift);
}

/** One pass down all columns; four columns at a time, `half` being `low` or `high` of the pairs. */
// @ts-ignore: decorator
@inline
function pass(from: i32, quantizers: i32, shift: i32): void {
  const round = i32x4.splat(1 << (shift - 1));
  let r0 = v128.load(from);
  let r1 = v128.load(from, 16);
  let r2 = v128.load(from, 32);
  let r3 = v128.load(from, 48);
  let r4 = v128.load(from, 64);
  let r5 = v128.load(from, 80);
  let r6 = v128.load(from, 96);
  let r7 = v128.load(from, 112);
  if (quantizers) {
    r0 = i16x8.mul(r0, v128.load(quantizers));
    r1 = i16x8.mul(r1, v128.load(quantizers, 16));
    r2 = i16x8.mul(r2, v128.load(quantizers, 32));
    r3 = i16x8.mul(r3, v128.load(quantizers, 48));
    r4 = i16x8.mul(r4, v128.load(quantizers, 64));
    r5 = i16x8.mul(r5, v128.load(quantizers, 80));
    r6 = i16x8.mul(r6, v128.load(quantizers, 96));
    r7 = i16x8.mul(r7, v128.load(quantizers, 112));
  }
  const z3 = i16x8.add(r7, r3);
  const z4 = i16x8.add(r5, r1);
  let o0 = r0;
  let o1 = r1;
  let o2 = r2;
  let o3 = r3;
  let o4 = r4;
  let o5 = r5;
  let o6 = r6;
  let o7 = r7;
  for (let half = 0; half < 2; half++) {
    const even = half ? high(r0, r4) : low(r0, r4);
    const bend = half ? high(r2, r6) : low(r2, r6);
    const odd17 = half ? high(r7, r1) : low(r7, r1);
    const odd35 = half ? high(r5, r3) : low(r5, r3);
    const mixed = half ? high(z3, z4) : low(z3, z4);
    const t0 = dot(even, pair(8192, 8192));
    const t1 = dot(even, pair(8192, -8192));
    const t3 = dot(bend, pair(10703, 4433));
    const t2 = dot(bend, pair(4433, -10704));
    const e0 = i32x4.add(t0, t3);
    const e3 = i32x4.sub(t0, t3);
    const e1 = i32x4.add(t1, t2);
    const e2 = i32x4.sub(t1, t2);
    const m3 = dot(mixed, pair(-6436, 9633));
    const m4 = dot(mixed, pair(9633, 6437));
    const d0 = i32x4.add(dot(odd17, pair(-4927, -7373)), m3);
    const d3 = i32x4.add(dot(odd17, pair(-7373, 4926)), m4);
    const d1 = i32x4.add(dot(odd35, pair(-4176, -20995)), m4);
    const d2 = i32x4.add(dot(odd35, pair(-20995, 4177)), m3);
    const p0 = sumRow(e0, d3, round, shift);
    const p7 = lessRow(e0, d3, round, shift);
    const p1 = sumRow(e1, d2, round, shift);
    const p6 = lessRow(e1, d2, round, shift);
    const p2 = sumRow(e2, d1, round, shift);
    const p5 = lessRow(e2, d1, round, shift);
    const p3 = sumRow(e3, d0, round, shift);
    const p4 = lessRow(e3, d0, round, shift);
    if (half) {
      o0 = i16x8.narrow_i32x4_s(o0, p0);
      o1 = i16x8.narrow_i32x4_s(o1, p1);
      o2 = i16x8.narrow_i32x4_s(o2, p2);
      o3 = i16x8.narrow_i32x4_s(o3, p3);
      o4 = i16x8.narrow_i32x4_s(o4, p4);
      o5 = i16x8.narrow_i32x4_s(o5, p5);
      o6 = i16x8.narrow_i32x4_s(o6, p6);
      o7 = i16x8.narrow_i32x4_s(o7, p7);
    } else {
      o0 = p0;
      o1 = p1;
      o2 = p2;
      o3 = p3;
      o4 = p4;
      o5 = p5;
      o6 = p6;
      o7 = p7;
    }
  }
  transpose(o0, o1, o2, o3, o4, o5, o6, o7);
}

/** Rows become columns, at WORK. */
// @ts-ignore: decorator
@inline
function transpose(r0: v128, r1: v128, r2: v128, r3: v128, r4: v128, r5: v128, r6: v128, r7: v128): void {
  const a0 = low(r0, r4);
  const a1 = high(r0, r4);
  const a2 = low(r1, r5);
  const a3 = high(r1, r5);
  const a4 = low(r2, r6);
  const a5 = high(r2, r6);
  const a6 = low(r3, r7);
  const a7 = high(r3, r7);
  const b0 = low(a0, a4);
  const b1 = high(a0, a4);
  const b2 = low(a1, a5);
  const b3 = high(a1, a5);
  const b4 = low(a2, a6);
  const b5 = high(a2, a6);
  const b6 = low(a3, a7);
  const b7 = high(a3, a7);
  v128.store(WORK, low(b0, b4));
  v128.store(WORK, high(b0, b4), 16);
  v128.store(WORK, low(b1, b5), 32);
  v128.store(WORK, high(b1, b5), 48);
  v128.store(WORK, low(b2, b6), 64);
  v128.store(WORK, high(b2, b6), 80);
  v128.store(WORK, low(b3, b7), 96);
  v128.store(WORK, high(b3, b7), 112);
}

/** i16 `[8, 8]` coefficients → u8 `[8, 8]`, rows `stride` apart. */
export function idct8(block: i32, quantizers: i32, out: i32, stride: i32): void {
  pass(block, quantizers, 11);
  pass(WORK, 0, 18);
  const middle = i8x16.splat(-128);
  for (let row = 0; row < 8; row += 2) {
    const both = v128.xor(i8x16.narrow_i16x8_s(v128.load(WORK + row * 16), v128.load(WORK + row * 16, 16)), middle);
    v128.store64_lane(out, both, 0);
    v128.store64_lane(out + stride, both, 1);
    out += stride << 1;
  }
}

// @ts-ignore: decorator
@inline
function four(r0: v128, r1: v128, r2: v128, r3: v128, shift: i32, at: i32): void {
  const round = i32x4.splat(1 << (shift - 1));
  const even = i32x4.shl(i32x4.add(r0, r2), 13);
  const less = i32x4.shl(i32x4.sub(r0, r2), 13);
  const z1 = i32x4.mul(i32x4.add(r1, r3), i32x4.splat(4433));
  const t0 = i32x4.add(z1, i32x4.mul(r1, i32x4.splat(6270)));
  const t2 = i32x4.sub(z1, i32x4.mul(r3, i32x4.splat(15137)));
  const s0 = sumRow(even, t0, round, shift);
  const s3 = lessRow(even, t0, round, shift);
  const s1 = sumRow(less, t2, round, shift);
  const s2 = lessRow(less, t2, round, shift);
  const a = v128.shuffle<i32>(s0, s2, 0, 4, 1, 5);
  const b = v128.shuffle<i32>(s0, s2, 2, 6, 3, 7);
  const c = v128.shuffle<i32>(s1, s3, 0, 4, 1, 5);
  const d = v128.shuffle<i32>(s1, s3, 2, 6, 3, 7);
  v128.store(at, v128.shuffle<i32>(a, c, 0, 4, 1, 5));
  v128.store(at, v128.shuffle<i32>(a, c, 2, 6, 3, 7), 16);
  v128.store(at, v128.shuffle<i32>(b, d, 0, 4, 1, 5), 32);
  v128.store(at, v128.shuffle<i32>(b, d, 2, 6, 3, 7), 48);
}

/** i16 `[4, 4]` → u8 `[4, 4]`. */
export function idct4(block: i32, quantizers: i32, out: i32, stride: i32): void {
  const top = i16x8.mul(v128.load(block), v128.load(quantizers));
  const bottom = i16x8.mul(v128.load(block, 16), v128.load(quantizers, 16));
  four(
    i32x4.extend_low_i16x8_s(top),
    i32x4.extend_high_i16x8_s(top),
    i32x4.extend_low_i16x8_s(bottom),
    i32x4.extend_high_i16x8_s(bottom),
    11,
    WORK,
  );
  four(v128.load(WORK), v128.load(WORK, 16), v128.load(WORK, 32), v128.load(WORK, 48), 18, WORK);
  const rows01 = i16x8.narrow_i32x4_s(v128.load(WORK), v128.load(WORK, 16));
  const rows23 = i16x8.narrow_i32x4_s(v128.load(WORK, 32), v128.load(WORK, 48));
  const all = v128.xor(i8x16.narrow_i16x8_s(rows01, rows23), i8x16.splat(-128));
  v128.store32_lane(out, all, 0);
  v128.store32_lane(out + stride, all, 1);
  v128.store32_lane(out + 2 * stride, all, 2);
  v128.store32_lane(out + 3 * stride, all, 3);
}

// @ts-ignore: decorator
@inline
export function sample(sum: i32): i32 {
  return max(0, min(255, ((sum + 4) >> 3) + 128));
}

// @ts-ignore: decorator
@inline
function value(block: i32, quantizers: i32, index: i32): i32 {
  return (load<i16>(block + index * 2) * load<i16>(quantizers + index * 2)) as i16 as i32;
}

/** i16 `[2, 2]` → u8 `[2, 2]`. */
export function idct2(block: i32, quantizers: i32, out: i32, stride: i32): void {
  const a = value(block, quantizers, 0);
  const b = value(block, quantizers, 1);
  const c = value(block, quantizers, 2);
  const d = value(block, quantizers, 3);
  store<u8>(out, sample(a + b + c + d));
  store<u8>(out, sample(a - b + c - d), 1);
  store<u8>(out + stride, sample(a + b - c - d));
  store<u8>(out + stride, sample(a - b - c + d), 1);
}

/** A block that has its first coefficient alone. */
export function flat(block: i32, quantizers: i32, side: i32, out: i32, stride: i32): void {
  const level = sample(value(block, quantizers, 0)) as u8;
  if (side == 1) {
    store<u8>(out, level);
    return;
  }
  const levels = i8x16.splat(level as i8);
  for (let row = 0; row < side; row++, out += stride) {
    if (side == 8) v128.store64_lane(out, levels, 0);
    else if (side == 4) v128.store32_lane(out, levels, 0);
    else v128.store16_lane(out, levels, 0);
  }
}
