import { Epilogue, Tensors } from './op';
import { finish } from './requantize';

/** `gemm` for activations of 8 bits, and the tile of the baseline build for any. */
export function gemmWide(
  op: Tensors, e: Epilogue, arena: usize, rows: usize, rowBytes: i32, first: i32, count: i32, k: i32, weights: usize,
  channel: i32, channels: i32,
): void {
  const end = channel + channels;
  for (let c = channel; c < end; c += 8) {
    const panel = weights + (c - channel) * k;
    let row = 0;
    for (; row + 2 <= count; row += 2) tileWide(op, e, arena, rows + row * rowBytes, rowBytes, first + row, k, panel, c, end);
    for (; row < count; row++) rowWide(op, e, arena, rows + row * rowBytes, first + row, k, panel, c, end);
  }
}

/**
 * 2 rows by 8 channels, both operands widened to 16 bits. An accumulator holds two partial sums of two channels:
 * c0(k0 + k1) c0(k2 + k3) c1(k0 + k1) c1(k2 + k3).
 */
export function tileWide(
  op: Tensors, e: Epilogue, arena: usize, row: usize, rowBytes: i32, pixel: i32, k: i32, w: usize, c: i32, end: i32,
): void {
  let acc00 = i32x4.splat(0), acc01 = acc00, acc02 = acc00, acc03 = acc00;
  let acc10 = acc00, acc11 = acc00, acc12 = acc00, acc13 = acc00;
  let row0 = row, row1 = row + rowBytes;
  const stop = row + k;
  while (row0 < stop) {
    const a = i16x8.extend_low_i8x16_u(v128.load32_splat(row0)), b = i16x8.extend_low_i8x16_u(v128.load32_splat(row1));
    let x = v128.load8x8_s(w);
    acc00 = i32x4.add(acc00, i32x4.dot_i16x8_s(x, a)), acc10 = i32x4.add(acc10, i32x4.dot_i16x8_s(x, b));
    x = v128.load8x8_s(w, 8);
    acc01 = i32x4.add(acc01, i32x4.dot_i16x8_s(x, a)), acc11 = i32x4.add(acc11, i32x4.dot_i16x8_s(x, b));
    x = v128.load8x8_s(w, 16);
    acc02 = i32x4.add(acc02, i32x4.dot_i16x8_s(x, a)), acc12 = i32x4.add(acc12, i32x4.dot_i16x8_s(x, b));
    x = v128.load8x8_s(w, 24);
    acc03 = i32x4.add(acc03, i32x4.dot_i16x8_s(x, a)), acc13 = i32x4.add(acc13, i32x4.dot_i16x8_s(x, b));
    row0 += 4, row1 += 4, w += 32;
  }
  finish(op, e, arena, pixel, c, end, pairSums(acc00, acc01), pairSums(acc02, acc03));
  finish(op, e, arena, pixel + 1, c, end, pairSums(acc10, acc11), pairSums(acc12, acc13));
}

/** One row of it. */
function rowWide(
  op: Tensors, e: Epilogue, arena: usize, row: usize, pixel: i32, k: i32, w: usize, c: i32, end: i32,
): void {
  let acc0 = i32x4.splat(0), acc1 = acc0, acc2 = acc0, acc3 = acc0;
  for (let stop = row + k; row < stop; row += 4, w += 32) {
    const a = i16x8.extend_low_i8x16_u(v128.load32_splat(row));
    acc0 = i32x4.add(acc0, i32x4.dot_i16x8_s(v128.load8x8_s(w), a));
    acc1 = i32x4.add(acc1, i32x4.dot_i16x8_s(v128.load8x8_s(w, 8), a));
    acc2 = i32x4.add(acc2, i32x4.dot_i16x8_s(v128.load8x8_s(w, 16), a));
    acc3 = i32x4.add(acc3, i32x4.dot_i16x8_s(v128.load8x8_s(w, 24), a));
  }
  finish(op, e, arena, pixel, c, end, pairSums(acc0, acc1), pairSums(acc2, acc3));
}

/** Two accumulators of `tileWide` → four channels as float32. */
// @ts-ignore: decorator
@inline
function pairSums(a: v128, b: v128): v128 {
  return f32x4.convert_i32x4_s(i32x4.add(v128.shuffle<i32>(a, b, 0, 2, 4, 6), v128.shuffle<i32>(a, b, 1, 3, 5, 7)));
}
