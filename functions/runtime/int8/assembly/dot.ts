/**
 * Where the two builds differ (and in the tile that `gemm` takes). A vector of weights holds 4 output channels by 4 steps of K, a vector
 * of activations 4 steps of K, the same for each channel:
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
