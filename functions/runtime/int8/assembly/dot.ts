/**
 * Where the builds differ (and in the tile that `gemm` takes): baseline, relaxed, and fused, the relaxed one for
 * processors that have `dotAdd` as one instruction (`FUSED`, set by the build). A vector of weights holds 4 output
 * channels by 4 steps of K, a vector of activations 4 steps of K, the same for each channel:
 *
 *     w  c0k0 c0k1 c0k2 c0k3 | c1k0 … | c2k0 … | c3k0 … c3k3      int8
 *     a    k0   k1   k2   k3 |   k0 … |   k0 … |   k0 …   k3      0…127
 *
 * @returns int16 lanes c0(k0·k0 + k1·k1) c0(k2·k2 + k3·k3) c1(…) …, exact: 2 · 127 · 128 < 2^15
 */
// @ts-ignore: decorator
@inline
export function dot(w: v128, a: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) {
    // The second operand is the 7-bit one: every lowering of it, signed or unsigned, gives the same bits.
    return i16x8.relaxed_dot_i8x16_i7x16_s(w, a);
  }
  const low = i16x8.extmul_low_i8x16_s(w, a);
  const high = i16x8.extmul_high_i8x16_s(w, a);
  return i16x8.add(
    v128.shuffle<i16>(low, high, 0, 2, 4, 6, 8, 10, 12, 14),
    v128.shuffle<i16>(low, high, 1, 3, 5, 7, 9, 11, 13, 15),
  );
}

/** int32 lanes acc + c0(k0·k0 + … + k3·k3) …, exact. @param ones 1 in 16 bits, to be kept in a register */
// @ts-ignore: decorator
@inline
export function dotAdd(w: v128, a: v128, acc: v128, ones: v128): v128 {
  if (FUSED) return i32x4.relaxed_dot_i8x16_i7x16_add_s(w, a, acc);
  return i32x4.add(acc, i32x4.dot_i16x8_s(dot(w, a), ones));
}

/** `dot` added to sums that fit 16 bits; only `widened` tells what they are. */
// @ts-ignore: decorator
@inline
export function dotAddNarrow(w: v128, a: v128, sums: v128): v128 {
  if (FUSED) return i32x4.relaxed_dot_i8x16_i7x16_add_s(w, a, sums);
  return i16x8.add(sums, dot(w, a));
}

/** Sums of `dotAddNarrow` → int32 lanes, one a channel. */
// @ts-ignore: decorator
@inline
export function widened(sums: v128, ones: v128): v128 {
  return FUSED ? sums : i32x4.dot_i16x8_s(sums, ones);
}

/** The first lane of an adding dot product of two splats: `kernels.ts` knows the processor's instruction by it. */
export function dotAddLane(first: i32, second: i32): i32 {
  if (!ASC_FEATURE_RELAXED_SIMD) return 0;
  const a = i8x16.splat(<i8>first), b = i8x16.splat(<i8>second);
  return i32x4.extract_lane(i32x4.relaxed_dot_i8x16_i7x16_add_s(a, b, i32x4.splat(0)), 0);
}
