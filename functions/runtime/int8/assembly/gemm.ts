import { dot } from './dot';
import { Epilogue, Tensors } from './op';
import { bytesToFloat, finish, isPlain, toBytes } from './requantize';

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
    if (form == 1) for (; row + 4 <= count; row += 4) tileW4(op, e, arena, rows + row * rowBytes, rowBytes, first + row, k, panel, c, end);
    else for (; row + 4 <= count; row += 4) tileW(op, e, arena, rows + row * rowBytes, rowBytes, first + row, k, panel, c, end);
    for (; row < count; row++) tileRow(op, e, arena, rows + row * rowBytes, first + row, k, panel, c, end);
  }
}

/**
 * Form w4, 4 rows by 8 channels: four dots of 16 bytes of K are added in 16 bits before they are widened. Activations are
 * loaded once and spread by shuffles: where each load has a bounds check, that is a tenth faster than loading each quad.
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
    let a = v128.load(row0), b = v128.load(row1);
    let w0 = v128.load(w), w1 = v128.load(w, 16);
    let x = lane0(a), y = lane0(b);
    let h00 = dot(w0, x), h01 = dot(w1, x), h10 = dot(w0, y), h11 = dot(w1, y);
    w0 = v128.load(w, 32), w1 = v128.load(w, 48);
    x = lane1(a), y = lane1(b);
    h00 = i16x8.add(h00, dot(w0, x)), h01 = i16x8.add(h01, dot(w1, x));
    h10 = i16x8.add(h10, dot(w0, y)), h11 = i16x8.add(h11, dot(w1, y));
    w0 = v128.load(w, 64), w1 = v128.load(w, 80);
    x = lane2(a), y = lane2(b);
    h00 = i16x8.add(h00, dot(w0, x)), h01 = i16x8.add(h01, dot(w1, x));
    h10 = i16x8.add(h10, dot(w0, y)), h11 = i16x8.add(h11, dot(w1, y));
    w0 = v128.load(w, 96), w1 = v128.load(w, 112);
    x = lane3(a), y = lane3(b);
    h00 = i16x8.add(h00, dot(w0, x)), h01 = i16x8.add(h01, dot(w1, x));
    h10 = i16x8.add(h10, dot(w0, y)), h11 = i16x8.add(h11, dot(w1, y));
    acc00 = i32x4.add(acc00, i32x4.dot_i16x8_s(h00, ones)), acc01 = i32x4.add(acc01, i32x4.dot_i16x8_s(h01, ones));
    acc10 = i32x4.add(acc10, i32x4.dot_i16x8_s(h10, ones)), acc11 = i32x4.add(acc11, i32x4.dot_i16x8_s(h11, ones));
    a = v128.load(row2), b = v128.load(row3);
    w0 = v128.load(w), w1 = v128.load(w, 16);
    x = lane0(a), y = lane0(b);
    h00 = dot(w0, x), h01 = dot(w1, x), h10 = dot(w0, y), h11 = dot(w1, y);
    w0 = v128.load(w, 32), w1 = v128.load(w, 48);
    x = lane1(a), y = lane1(b);
    h00 = i16x8.add(h00, dot(w0, x)), h01 = i16x8.add(h01, dot(w1, x));
    h10 = i16x8.add(h10, dot(w0, y)), h11 = i16x8.add(h11, dot(w1, y));
    w0 = v128.load(w, 64), w1 = v128.load(w, 80);
    x = lane2(a), y = lane2(b);
    h00 = i16x8.add(h00, dot(w0, x)), h01 = i16x8.add(h01, dot(w1, x));
    h10 = i16x8.add(h10, dot(w0, y)), h11 = i16x8.add(h11, dot(w1, y));
    w0 = v128.load(w, 96), w1 = v128.load(w, 112);
    x = lane3(a), y = lane3(b);
    h00 = i16x8.add(h00, dot(w0, x)), h01 = i16x8.add(h01, dot(w1, x));
    h10 = i16x8.add(h10, dot(w0, y)), h11 = i16x8.add(h11, dot(w1, y));
    acc20 = i32x4.add(acc20, i32x4.dot_i16x8_s(h00, ones)), acc21 = i32x4.add(acc21, i32x4.dot_i16x8_s(h01, ones));
    acc30 = i32x4.add(acc30, i32x4.dot_i16x8_s(h10, ones)), acc31 = i32x4.add(acc31, i32x4.dot_i16x8_s(h11, ones));
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
    acc00 = i32x4.add(acc00, i32x4.dot_i16x8_s(dot(w0, a), ones));
    acc01 = i32x4.add(acc01, i32x4.dot_i16x8_s(dot(w1, a), ones));
    a = v128.load32_splat(row1);
    acc10 = i32x4.add(acc10, i32x4.dot_i16x8_s(dot(w0, a), ones));
    acc11 = i32x4.add(acc11, i32x4.dot_i16x8_s(dot(w1, a), ones));
    a = v128.load32_splat(row2);
    acc20 = i32x4.add(acc20, i32x4.dot_i16x8_s(dot(w0, a), ones));
    acc21 = i32x4.add(acc21, i32x4.dot_i16x8_s(dot(w1, a), ones));
    a = v128.load32_splat(row3);
    acc30 = i32x4.add(acc30, i32x4.dot_i16x8_s(dot(w0, a), ones));
    acc31 = i32x4.add(acc31, i32x4.dot_i16x8_s(dot(w1, a), ones));
    w0 = v128.load(w, 32), w1 = v128.load(w, 48);
    a = v128.load32_splat(row0, 4);
    acc00 = i32x4.add(acc00, i32x4.dot_i16x8_s(dot(w0, a), ones));
    acc01 = i32x4.add(acc01, i32x4.dot_i16x8_s(dot(w1, a), ones));
    a = v128.load32_splat(row1, 4);
    acc10 = i32x4.add(acc10, i32x4.dot_i16x8_s(dot(w0, a), ones));
    acc11 = i32x4.add(acc11, i32x4.dot_i16x8_s(dot(w1, a), ones));
    a = v128.load32_splat(row2, 4);
    acc20 = i32x4.add(acc20, i32x4.dot_i16x8_s(dot(w0, a), ones));
    acc21 = i32x4.add(acc21, i32x4.dot_i16x8_s(dot(w1, a), ones));
    a = v128.load32_splat(row3, 4);
    acc30 = i32x4.add(acc30, i32x4.dot_i16x8_s(dot(w0, a), ones));
    acc31 = i32x4.add(acc31, i32x4.dot_i16x8_s(dot(w1, a), ones));
    w0 = v128.load(w, 64), w1 = v128.load(w, 80);
    a = v128.load32_splat(row0, 8);
    acc00 = i32x4.add(acc00, i32x4.dot_i16x8_s(dot(w0, a), ones));
    acc01 = i32x4.add(acc01, i32x4.dot_i16x8_s(dot(w1, a), ones));
    a = v128.load32_splat(row1, 8);
    acc10 = i32x4.add(acc10, i32x4.dot_i16x8_s(dot(w0, a), ones));
    acc11 = i32x4.add(acc11, i32x4.dot_i16x8_s(dot(w1, a), ones));
    a = v128.load32_splat(row2, 8);
    acc20 = i32x4.add(acc20, i32x4.dot_i16x8_s(dot(w0, a), ones));
    acc21 = i32x4.add(acc21, i32x4.dot_i16x8_s(dot(w1, a), ones));
    a = v128.load32_splat(row3, 8);
    acc30 = i32x4.add(acc30, i32x4.dot_i16x8_s(dot(w0, a), ones));
    acc31 = i32x4.add(acc31, i32x4.dot_i16x8_s(dot(w1, a), ones));
    w0 = v128.load(w, 96), w1 = v128.load(w, 112);
    a = v128.load32_splat(row0, 12);
    acc00 = i32x4.add(acc00, i32x4.dot_i16x8_s(dot(w0, a), ones));
    acc01 = i32x4.add(acc01, i32x4.dot_i16x8_s(dot(w1, a), ones));
    a = v128.load32_splat(row1, 12);
    acc10 = i32x4.add(acc10, i32x4.dot_i16x8_s(dot(w0, a), ones));
    acc11 = i32x4.add(acc11, i32x4.dot_i16x8_s(dot(w1, a), ones));
    a = v128.load32_splat(row2, 12);
    acc20 = i32x4.add(acc20, i32x4.dot_i16x8_s(dot(w0, a), ones));
    acc21 = i32x4.add(acc21, i32x4.dot_i16x8_s(dot(w1, a), ones));
    a = v128.load32_splat(row3, 12);
    acc30 = i32x4.add(acc30, i32x4.dot_i16x8_s(dot(w0, a), ones));
    acc31 = i32x4.add(acc31, i32x4.dot_i16x8_s(dot(w1, a), ones));
    row0 += 16, row1 += 16, row2 += 16, row3 += 16, w += 128;
  }
  store4(op, e, arena, pixel, c, end, acc00, acc01, acc10, acc11, acc20, acc21, acc30, acc31);
}

/** The 4 bytes of one step of K, in every lane. */
// @ts-ignore: decorator
@inline
function lane0(a: v128): v128 {
  return v128.shuffle<i32>(a, a, 0, 0, 0, 0);
}

// @ts-ignore: decorator
@inline
function lane1(a: v128): v128 {
  return v128.shuffle<i32>(a, a, 1, 1, 1, 1);
}

// @ts-ignore: decorator
@inline
function lane2(a: v128): v128 {
  return v128.shuffle<i32>(a, a, 2, 2, 2, 2);
}

// @ts-ignore: decorator
@inline
function lane3(a: v128): v128 {
  return v128.shuffle<i32>(a, a, 3, 3, 3, 3);
}

/** One row by 8 channels, form w: the rows left over, and dense layers. */
function tileRow(
  op: Tensors, e: Epilogue, arena: usize, row: usize, pixel: i32, k: i32, w: usize, c: i32, end: i32,
): void {
  const ones = i16x8.splat(1);
  let acc0 = i32x4.splat(0), acc1 = acc0, acc2 = acc0, acc3 = acc0;
  for (let stop = row + k; row < stop; row += 8, w += 64) {
    let a = v128.load32_splat(row);
    acc0 = i32x4.add(acc0, i32x4.dot_i16x8_s(dot(v128.load(w), a), ones));
    acc1 = i32x4.add(acc1, i32x4.dot_i16x8_s(dot(v128.load(w, 16), a), ones));
    a = v128.load32_splat(row, 4);
    acc2 = i32x4.add(acc2, i32x4.dot_i16x8_s(dot(v128.load(w, 32), a), ones));
    acc3 = i32x4.add(acc3, i32x4.dot_i16x8_s(dot(v128.load(w, 48), a), ones));
  }
  const v0 = f32x4.convert_i32x4_s(i32x4.add(acc0, acc2));
  const v1 = f32x4.convert_i32x4_s(i32x4.add(acc1, acc3));
  finish(op, e, arena, pixel, c, end, v0, v1);
}

/** Accumulators of 4 pixels by 8 channels → outputs. */
// @ts-ignore: decorator
@inline
export function store4(
  op: Tensors, e: Epilogue, arena: usize, pixel: i32, c: i32, end: i32,
  acc00: v128, acc01: v128, acc10: v128, acc11: v128, acc20: v128, acc21: v128, acc30: v128, acc31: v128,
): void {
  if (!isPlain(e) || c + 8 > end) {
    finish(op, e, arena, pixel, c, end, f32x4.convert_i32x4_s(acc00), f32x4.convert_i32x4_s(acc01));
    finish(op, e, arena, pixel + 1, c, end, f32x4.convert_i32x4_s(acc10), f32x4.convert_i32x4_s(acc11));
    finish(op, e, arena, pixel + 2, c, end, f32x4.convert_i32x4_s(acc20), f32x4.convert_i32x4_s(acc21));
    finish(op, e, arena, pixel + 3, c, end, f32x4.convert_i32x4_s(acc30), f32x4.convert_i32x4_s(acc31));
    return;
  }
  // As `finish` has it, without activation, to 8 whole bytes.
  const scales = <usize>(e.scale + c * 4), biases = <usize>(e.bias + c * 4);
  const scale0 = v128.load(scales), scale1 = v128.load(scales, 16);
  const bias0 = v128.load(biases), bias1 = v128.load(biases, 16);
  let v00 = scaled(acc00, scale0, bias0), v01 = scaled(acc01, scale1, bias1);
  let v10 = scaled(acc10, scale0, bias0), v11 = scaled(acc11, scale1, bias1);
  let v20 = scaled(acc20, scale0, bias0), v21 = scaled(acc21, scale1, bias1);
  let v30 = scaled(acc30, scale0, bias0), v31 = scaled(acc31, scale1, bias1);
  if (e.residual >= 0) {
    const factor = f32x4.splat(e.residualScale);
    const stride = e.residualStride;
    let at = arena + e.residual + pixel * stride + c;
    let r = v128.load8x8_u(at);
    v00 = f32x4.add(v00, f32x4.mul(bytesToFloat(r, false), factor));
    v01 = f32x4.add(v01, f32x4.mul(bytesToFloat(r, true), factor));
    r = v128.load8x8_u((at += stride));
    v10 = f32x4.add(v10, f32x4.mul(bytesToFloat(r, false), factor));
    v11 = f32x4.add(v11, f32x4.mul(bytesToFloat(r, true), factor));
    r = v128.load8x8_u((at += stride));
    v20 = f32x4.add(v20, f32x4.mul(bytesToFloat(r, false), factor));
    v21 = f32x4.add(v21, f32x4.mul(bytesToFloat(r, true), factor));
    r = v128.load8x8_u((at += stride));
    v30 = f32x4.add(v30, f32x4.mul(bytesToFloat(r, false), factor));
    v31 = f32x4.add(v31, f32x4.mul(bytesToFloat(r, true), factor));
  }
  const low = f32x4.splat(e.low), high = f32x4.splat(e.high);
  const stride = op.outputStride;
  let to = arena + op.output + pixel * stride + c;
  v128.store64_lane(to, toBytes(v00, v01, low, high), 0);
  v128.store64_lane((to += stride), toBytes(v10, v11, low, high), 0);
  v128.store64_lane((to += stride), toBytes(v20, v21, low, high), 0);
  v128.store64_lane((to += stride), toBytes(v30, v31, low, high), 0);
}

// @ts-ignore: decorator
@inline
function scaled(acc: v128, scale: v128, bias: v128): v128 {
  return f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(acc), scale), bias);
}
