import { dot, dotAdd } from './dot';
import { tileWide } from './gemm-wide';
import { Epilogue, Tensors } from './op';
import { finish } from './requantize';
import { store4 } from './store4';

/**
 * Rows times panels: outputs of `count` pixels, `channels` from `channel` on.
 *
 *     for each panel of 8 output channels (K · 8 bytes, stays in the first-level cache)
 *       for each 4 rows: 8 accumulators of 4 channels, over K; then the epilogue
 */
export function gemm(
  op: Tensors, e: Epilogue, form: i32, arena: usize, rows: usize, rowBytes: i32, first: i32, count: i32, k: i32,
  weights: usize, channel: i32, channels: i32,
): void {
  const end = channel + channels;
  for (let c = channel; c < end; c += 8) {
    const panel = weights + (c - channel) * k;
    let row = 0;
    if (!ASC_FEATURE_RELAXED_SIMD) {
      for (; row + 2 <= count; row += 2) tileWide(op, e, arena, rows + row * rowBytes, rowBytes, first + row, k, panel, c, end);
    } else if (form == 1 && !FUSED) {
      for (; row + 4 <= count; row += 4) tileW4(op, e, arena, rows + row * rowBytes, rowBytes, first + row, k, panel, c, end);
    } else {
      for (; row + 4 <= count; row += 4) tileW(op, e, arena, rows + row * rowBytes, rowBytes, first + row, k, panel, c, end);
    }
    for (; row < count; row++) tileRow(op, e, arena, rows + row * rowBytes, first + row, k, panel, c, end);
  }
}

/**
 * Form w4, 4 rows by 8 channels: four dots of 16 bytes of K are added in 16 bits before they are widened. With 8 such
 * sums and 8 accumulators registers do not suffice; the accumulators wait in memory, which costs less than to load the
 * weights for each two rows anew.
 */
function tileW4(
  op: Tensors, e: Epilogue, arena: usize, row: usize, rowBytes: i32, pixel: i32, k: i32, w: usize, c: i32, end: i32,
): void {
  const ones = i16x8.splat(1);
  let acc00 = i32x4.splat(0), acc01 = acc00, acc10 = acc00, acc11 = acc00;
  let acc20 = acc00, acc21 = acc00, acc30 = acc00, acc31 = acc00;
  let row0 = row, row1 = row + rowBytes, row2 = row1 + rowBytes, row3 = row2 + rowBytes;
  const stop = row + k;
  while (row0 < stop) {
    let w0 = v128.load(w), w1 = v128.load(w, 16);
    let a = v128.load32_splat(row0);
    let h00 = dot(w0, a), h01 = dot(w1, a);
    a = v128.load32_splat(row1);
    let h10 = dot(w0, a), h11 = dot(w1, a);
    a = v128.load32_splat(row2);
    let h20 = dot(w0, a), h21 = dot(w1, a);
    a = v128.load32_splat(row3);
    let h30 = dot(w0, a), h31 = dot(w1, a);
    w0 = v128.load(w, 32), w1 = v128.load(w, 48);
    a = v128.load32_splat(row0, 4);
    h00 = i16x8.add(h00, dot(w0, a)), h01 = i16x8.add(h01, dot(w1, a));
    a = v128.load32_splat(row1, 4);
    h10 = i16x8.add(h10, dot(w0, a)), h11 = i16x8.add(h11, dot(w1, a));
    a = v128.load32_splat(row2, 4);
    h20 = i16x8.add(h20, dot(w0, a)), h21 = i16x8.add(h21, dot(w1, a));
    a = v128.load32_splat(row3, 4);
    h30 = i16x8.add(h30, dot(w0, a)), h31 = i16x8.add(h31, dot(w1, a));
    w0 = v128.load(w, 64), w1 = v128.load(w, 80);
    a = v128.load32_splat(row0, 8);
    h00 = i16x8.add(h00, dot(w0, a)), h01 = i16x8.add(h01, dot(w1, a));
    a = v128.load32_splat(row1, 8);
    h10 = i16x8.add(h10, dot(w0, a)), h11 = i16x8.add(h11, dot(w1, a));
    a = v128.load32_splat(row2, 8);
    h20 = i16x8.add(h20, dot(w0, a)), h21 = i16x8.add(h21, dot(w1, a));
    a = v128.load32_splat(row3, 8);
    h30 = i16x8.add(h30, dot(w0, a)), h31 = i16x8.add(h31, dot(w1, a));
    w0 = v128.load(w, 96), w1 = v128.load(w, 112);
    a = v128.load32_splat(row0, 12);
    h00 = i16x8.add(h00, dot(w0, a)), h01 = i16x8.add(h01, dot(w1, a));
    a = v128.load32_splat(row1, 12);
    h10 = i16x8.add(h10, dot(w0, a)), h11 = i16x8.add(h11, dot(w1, a));
    a = v128.load32_splat(row2, 12);
    h20 = i16x8.add(h20, dot(w0, a)), h21 = i16x8.add(h21, dot(w1, a));
    a = v128.load32_splat(row3, 12);
    h30 = i16x8.add(h30, dot(w0, a)), h31 = i16x8.add(h31, dot(w1, a));
    acc00 = i32x4.add(acc00, i32x4.dot_i16x8_s(h00, ones)), acc01 = i32x4.add(acc01, i32x4.dot_i16x8_s(h01, ones));
    acc10 = i32x4.add(acc10, i32x4.dot_i16x8_s(h10, ones)), acc11 = i32x4.add(acc11, i32x4.dot_i16x8_s(h11, ones));
    acc20 = i32x4.add(acc20, i32x4.dot_i16x8_s(h20, ones)), acc21 = i32x4.add(acc21, i32x4.dot_i16x8_s(h21, ones));
    acc30 = i32x4.add(acc30, i32x4.dot_i16x8_s(h30, ones)), acc31 = i32x4.add(acc31, i32x4.dot_i16x8_s(h31, ones));
    row0 += 16, row1 += 16, row2 += 16, row3 += 16, w += 128;
  }
  store4(op, e, arena, pixel, c, end, acc00, acc01, acc10, acc11, acc20, acc21, acc30, acc31);
}

/** Form w, 4 rows by 8 channels: every dot is widened; any int8 weights are exact. */
function tileW(
  op: Tensors, e: Epilogue, arena: usize, row: usize, rowBytes: i32, pixel: i32, k: i32, w: usize, c: i32, end: i32,
): void {
  const ones = i16x8.splat(1);
  let acc00 = i32x4.splat(0), acc01 = acc00, acc10 = acc00, acc11 = acc00;
  let acc20 = acc00, acc21 = acc00, acc30 = acc00, acc31 = acc00;
  let row0 = row, row1 = row + rowBytes, row2 = row1 + rowBytes, row3 = row2 + rowBytes;
  const stop = row + k;
  while (row0 < stop) {
    let w0 = v128.load(w), w1 = v128.load(w, 16);
    let a = v128.load32_splat(row0);
    acc00 = dotAdd(w0, a, acc00, ones);
    acc01 = dotAdd(w1, a, acc01, ones);
    a = v128.load32_splat(row1);
    acc10 = dotAdd(w0, a, acc10, ones);
    acc11 = dotAdd(w1, a, acc11, ones);
    a = v128.load32_splat(row2);
    acc20 = dotAdd(w0, a, acc20, ones);
    acc21 = dotAdd(w1, a, acc21, ones);
    a = v128.load32_splat(row3);
    acc30 = dotAdd(w0, a, acc30, ones);
    acc31 = dotAdd(w1, a, acc31, ones);
    w0 = v128.load(w, 32), w1 = v128.load(w, 48);
    a = v128.load32_splat(row0, 4);
    acc00 = dotAdd(w0, a, acc00, ones);
    acc01 = dotAdd(w1, a, acc01, ones);
    a = v128.load32_splat(row1, 4);
    acc10 = dotAdd(w0, a, acc10, ones);
    acc11 = dotAdd(w1, a, acc11, ones);
    a = v128.load32_splat(row2, 4);
    acc20 = dotAdd(w0, a, acc20, ones);
    acc21 = dotAdd(w1, a, acc21, ones);
    a = v128.load32_splat(row3, 4);
    acc30 = dotAdd(w0, a, acc30, ones);
    acc31 = dotAdd(w1, a, acc31, ones);
    w0 = v128.load(w, 64), w1 = v128.load(w, 80);
    a = v128.load32_splat(row0, 8);
    acc00 = dotAdd(w0, a, acc00, ones);
    acc01 = dotAdd(w1, a, acc01, ones);
    a = v128.load32_splat(row1, 8);
    acc10 = dotAdd(w0, a, acc10, ones);
    acc11 = dotAdd(w1, a, acc11, ones);
    a = v128.load32_splat(row2, 8);
    acc20 = dotAdd(w0, a, acc20, ones);
    acc21 = dotAdd(w1, a, acc21, ones);
    a = v128.load32_splat(row3, 8);
    acc30 = dotAdd(w0, a, acc30, ones);
    acc31 = dotAdd(w1, a, acc31, ones);
    w0 = v128.load(w, 96), w1 = v128.load(w, 112);
    a = v128.load32_splat(row0, 12);
    acc00 = dotAdd(w0, a, acc00, ones);
    acc01 = dotAdd(w1, a, acc01, ones);
    a = v128.load32_splat(row1, 12);
    acc10 = dotAdd(w0, a, acc10, ones);
    acc11 = dotAdd(w1, a, acc11, ones);
    a = v128.load32_splat(row2, 12);
    acc20 = dotAdd(w0, a, acc20, ones);
    acc21 = dotAdd(w1, a, acc21, ones);
    a = v128.load32_splat(row3, 12);
    acc30 = dotAdd(w0, a, acc30, ones);
    acc31 = dotAdd(w1, a, acc31, ones);
    row0 += 16, row1 += 16, row2 += 16, row3 += 16, w += 128;
  }
  store4(op, e, arena, pixel, c, end, acc00, acc01, acc10, acc11, acc20, acc21, acc30, acc31);
}

/** One row by 8 channels, form w: the rows left over, and dense layers. */
function tileRow(
  op: Tensors, e: Epilogue, arena: usize, row: usize, pixel: i32, k: i32, w: usize, c: i32, end: i32,
): void {
  const ones = i16x8.splat(1);
  let acc0 = i32x4.splat(0), acc1 = acc0, acc2 = acc0, acc3 = acc0;
  for (let stop = row + k; row < stop; row += 8, w += 64) {
    let a = v128.load32_splat(row);
    acc0 = dotAdd(v128.load(w), a, acc0, ones);
    acc1 = dotAdd(v128.load(w, 16), a, acc1, ones);
    a = v128.load32_splat(row, 4);
    acc2 = dotAdd(v128.load(w, 32), a, acc2, ones);
    acc3 = dotAdd(v128.load(w, 48), a, acc3, ones);
  }
  const v0 = f32x4.convert_i32x4_s(i32x4.add(acc0, acc2));
  const v1 = f32x4.convert_i32x4_s(i32x4.add(acc1, acc3));
  finish(op, e, arena, pixel, c, end, v0, v1);
}
