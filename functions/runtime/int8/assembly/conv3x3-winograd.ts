import { ConvTail, Epilogue, Windowed, windowEpilogue, windowTail } from './op';
import { finish } from './requantize';
import { store4 } from './store4';
import { inputColumn, output0, output1, output2, output3, outputColumn, transformWeights } from './winograd-transforms';

/**
 * 3x3 convolution with stride 1 as F(4x4, 3x3) (Lavin & Gray 2015, arXiv:1509.09308, section 4.3), exact in integers:
 * ../winograd.ts says how. A tile is 6x6 inputs and 4x4 outputs; each of its 36 points is a matrix product of its own.
 *
 *     for each block of tiles:   V[36][tiles][C]      int16    inputs, transformed
 *       for each 8 channels:     U[36][C/2][8][2]     int16    weights, transformed
 *         for each point, 4 tiles: M[36][tiles][8]    int32    products, modulo 2^32
 *         for each tile: M, transformed → 16 pixels
 *
 * Planes are 64 bytes apart more than they are long, so that 36 of them do not fall into one set of the cache.
 */
export function convWinograd(op: Windowed, arena: usize): void {
  const e = windowEpilogue(op);
  const tail = windowTail<ConvTail>(op);
  const channels = (op.inputChannels + 7) & ~7;
  const weightPlane = channels * 16 + 64;
  const across = (op.outputWidth + 3) >> 2;
  const tiles = across * ((op.outputHeight + 3) >> 2);
  // The same arithmetic as winogradScratchBytes in ../winograd.ts.
  const fixed = 36 * (weightPlane + 128) + TEMPORARY_BYTES + 64;
  const block = ((tail.scratchBytes - fixed) / (36 * (channels * 2 + 32))) & ~3;
  const inputPlane = block * channels * 2 + 64;
  const productPlane = block * 32 + 64;
  const temporary = arena + tail.scratch;
  const products = temporary + TEMPORARY_BYTES;
  const weights = products + 36 * productPlane;
  const inputs = weights + 36 * weightPlane;
  const panelBytes = ((9 * ((op.inputChannels + 3) & ~3) + 15) & ~15) * 8;

  for (let first = 0; first < tiles; first += block) {
    const count = min(block, tiles - first);
    for (let tile = 0; tile < count; tile++) {
      const y = (first + tile) / across;
      const x = (first + tile) - y * across;
      const to = inputs + tile * channels * 2;
      transformInput(op, tail, arena + op.input, y * 4 - op.padTop, x * 4 - op.padLeft, channels, temporary, to, inputPlane);
    }
    for (let c = 0; c < op.outputChannels; c += 8) {
      transformWeights(tail.weights + (c >> 3) * panelBytes, (op.inputChannels + 3) & ~3, weights, weightPlane);
      for (let point = 0; point < 36; point++) {
        const rows = inputs + point * inputPlane;
        const to = products + point * productPlane;
        for (let tile = 0; tile < count; tile += 4) {
          multiply(rows + tile * channels * 2, channels * 2, weights + point * weightPlane, to + tile * 32);
        }
      }
      for (let tile = 0; tile < count; tile++) {
        const y = (first + tile) / across;
        const x = (first + tile) - y * across;
        outputTile(op, e, arena, products + tile * 32, productPlane, temporary, y * 4, x * 4, c);
      }
    }
  }
}

/** 4x6 vectors of 8 channels in int32. */
const TEMPORARY_BYTES = 768;

/** 6x6 pixels from (y, x), all channels, to one row in each of 36 planes. */
function transformInput(
  op: Windowed, tail: ConvTail, input: usize, y: i32, x: i32, channels: i32, temporary: usize, to: usize, plane: i32,
): void {
  const stride = op.inputStride;
  const line = op.inputWidth * stride;
  const inside = y >= 0 && x >= 0 && y + 6 <= op.inputHeight && x + 6 <= op.inputWidth;
  const pad = i16x8.splat(<i16>tail.padValue);
  for (let c = 0; c < channels; c += 8) {
    for (let column = 0; column < 6; column++) {
      const from = input + y * line + (x + column) * stride + c;
      const there = temporary + column * 16;
      if (inside) {
        inputColumn(
          v128.load8x8_u(from), v128.load8x8_u(from + line), v128.load8x8_u(from + 2 * line),
          v128.load8x8_u(from + 3 * line), v128.load8x8_u(from + 4 * line), v128.load8x8_u(from + 5 * line), there, 96,
        );
      } else {
        const known = <u32>(x + column) < <u32>op.inputWidth;
        inputColumn(
          known && <u32>y < <u32>op.inputHeight ? v128.load8x8_u(from) : pad,
          known && <u32>(y + 1) < <u32>op.inputHeight ? v128.load8x8_u(from + line) : pad,
          known && <u32>(y + 2) < <u32>op.inputHeight ? v128.load8x8_u(from + 2 * line) : pad,
          known && <u32>(y + 3) < <u32>op.inputHeight ? v128.load8x8_u(from + 3 * line) : pad,
          known && <u32>(y + 4) < <u32>op.inputHeight ? v128.load8x8_u(from + 4 * line) : pad,
          known && <u32>(y + 5) < <u32>op.inputHeight ? v128.load8x8_u(from + 5 * line) : pad,
          there, 96,
        );
      }
    }
    let row = temporary;
    let out = to + c * 2;
    for (let i = 0; i < 6; i++) {
      inputColumn(
        v128.load(row), v128.load(row, 16), v128.load(row, 32), v128.load(row, 48), v128.load(row, 64),
        v128.load(row, 80), out, plane,
      );
      row += 96;
      out += 6 * plane;
    }
  }
}

/** 4 tiles by 8 output channels at one point. A vector of weights is 4 output channels by 2 input channels. */
function multiply(row: usize, rowBytes: i32, w: usize, to: usize): void {
  let acc00 = i32x4.splat(0), acc01 = acc00, acc10 = acc00, acc11 = acc00;
  let acc20 = acc00, acc21 = acc00, acc30 = acc00, acc31 = acc00;
  let row0 = row, row1 = row + rowBytes, row2 = row1 + rowBytes, row3 = row2 + rowBytes;
  const stop = row1;
  while (row0 < stop) {
    let w0 = v128.load(w), w1 = v128.load(w, 16);
    let a = v128.load32_splat(row0);
    acc00 = i32x4.add(acc00, i32x4.dot_i16x8_s(w0, a));
    acc01 = i32x4.add(acc01, i32x4.dot_i16x8_s(w1, a));
    a = v128.load32_splat(row1);
    acc10 = i32x4.add(acc10, i32x4.dot_i16x8_s(w0, a));
    acc11 = i32x4.add(acc11, i32x4.dot_i16x8_s(w1, a));
    a = v128.load32_splat(row2);
    acc20 = i32x4.add(acc20, i32x4.dot_i16x8_s(w0, a));
    acc21 = i32x4.add(acc21, i32x4.dot_i16x8_s(w1, a));
    a = v128.load32_splat(row3);
    acc30 = i32x4.add(acc30, i32x4.dot_i16x8_s(w0, a));
    acc31 = i32x4.add(acc31, i32x4.dot_i16x8_s(w1, a));
    w0 = v128.load(w, 32), w1 = v128.load(w, 48);
    a = v128.load32_splat(row0, 4);
    acc00 = i32x4.add(acc00, i32x4.dot_i16x8_s(w0, a));
    acc01 = i32x4.add(acc01, i32x4.dot_i16x8_s(w1, a));
    a = v128.load32_splat(row1, 4);
    acc10 = i32x4.add(acc10, i32x4.dot_i16x8_s(w0, a));
    acc11 = i32x4.add(acc11, i32x4.dot_i16x8_s(w1, a));
    a = v128.load32_splat(row2, 4);
    acc20 = i32x4.add(acc20, i32x4.dot_i16x8_s(w0, a));
    acc21 = i32x4.add(acc21, i32x4.dot_i16x8_s(w1, a));
    a = v128.load32_splat(row3, 4);
    acc30 = i32x4.add(acc30, i32x4.dot_i16x8_s(w0, a));
    acc31 = i32x4.add(acc31, i32x4.dot_i16x8_s(w1, a));
    w0 = v128.load(w, 64), w1 = v128.load(w, 80);
    a = v128.load32_splat(row0, 8);
    acc00 = i32x4.add(acc00, i32x4.dot_i16x8_s(w0, a));
    acc01 = i32x4.add(acc01, i32x4.dot_i16x8_s(w1, a));
    a = v128.load32_splat(row1, 8);
    acc10 = i32x4.add(acc10, i32x4.dot_i16x8_s(w0, a));
    acc11 = i32x4.add(acc11, i32x4.dot_i16x8_s(w1, a));
    a = v128.load32_splat(row2, 8);
    acc20 = i32x4.add(acc20, i32x4.dot_i16x8_s(w0, a));
    acc21 = i32x4.add(acc21, i32x4.dot_i16x8_s(w1, a));
    a = v128.load32_splat(row3, 8);
    acc30 = i32x4.add(acc30, i32x4.dot_i16x8_s(w0, a));
    acc31 = i32x4.add(acc31, i32x4.dot_i16x8_s(w1, a));
    w0 = v128.load(w, 96), w1 = v128.load(w, 112);
    a = v128.load32_splat(row0, 12);
    acc00 = i32x4.add(acc00, i32x4.dot_i16x8_s(w0, a));
    acc01 = i32x4.add(acc01, i32x4.dot_i16x8_s(w1, a));
    a = v128.load32_splat(row1, 12);
    acc10 = i32x4.add(acc10, i32x4.dot_i16x8_s(w0, a));
    acc11 = i32x4.add(acc11, i32x4.dot_i16x8_s(w1, a));
    a = v128.load32_splat(row2, 12);
    acc20 = i32x4.add(acc20, i32x4.dot_i16x8_s(w0, a));
    acc21 = i32x4.add(acc21, i32x4.dot_i16x8_s(w1, a));
    a = v128.load32_splat(row3, 12);
    acc30 = i32x4.add(acc30, i32x4.dot_i16x8_s(w0, a));
    acc31 = i32x4.add(acc31, i32x4.dot_i16x8_s(w1, a));
    row0 += 16, row1 += 16, row2 += 16, row3 += 16, w += 128;
  }
  v128.store(to, acc00), v128.store(to, acc01, 16), v128.store(to, acc10, 32), v128.store(to, acc11, 48);
  v128.store(to, acc20, 64), v128.store(to, acc21, 80), v128.store(to, acc30, 96), v128.store(to, acc31, 112);
}

/** Products of one tile and 8 channels → up to 4x4 pixels from (y, x). */
function outputTile(
  op: Windowed, e: Epilogue, arena: usize, product: usize, plane: i32, temporary: usize, y: i32, x: i32, c: i32,
): void {
  for (let column = 0; column < 6; column++) {
    const from = product + column * plane;
    outputColumn(from, 6 * plane, temporary + column * 32, 192);
    outputColumn(from + 16, 6 * plane, temporary + column * 32 + 16, 192);
  }
  const rows = min(4, op.outputHeight - y);
  const columns = min(4, op.outputWidth - x);
  const end = op.outputChannels;
  let at = temporary;
  for (let row = 0; row < rows; row++, at += 192) {
    let m0 = v128.load(at), m1 = v128.load(at, 32), m2 = v128.load(at, 64);
    let m3 = v128.load(at, 96), m4 = v128.load(at, 128), m5 = v128.load(at, 160);
    const v00 = divided(output0(m0, m1, m2, m3, m4)), v10 = divided(output1(m1, m2, m3, m4));
    const v20 = divided(output2(m1, m2, m3, m4)), v30 = divided(output3(m1, m2, m3, m4, m5));
    m0 = v128.load(at, 16), m1 = v128.load(at, 48), m2 = v128.load(at, 80);
    m3 = v128.load(at, 112), m4 = v128.load(at, 144), m5 = v128.load(at, 176);
    const v01 = divided(output0(m0, m1, m2, m3, m4)), v11 = divided(output1(m1, m2, m3, m4));
    const v21 = divided(output2(m1, m2, m3, m4)), v31 = divided(output3(m1, m2, m3, m4, m5));
    const pixel = (y + row) * op.outputWidth + x;
    if (columns == 4) {
      store4(op, e, arena, pixel, c, end, v00, v01, v10, v11, v20, v21, v30, v31);
      continue;
    }
    finish(op, e, arena, pixel, c, end, f32x4.convert_i32x4_s(v00), f32x4.convert_i32x4_s(v01));
    if (columns > 1) finish(op, e, arena, pixel + 1, c, end, f32x4.convert_i32x4_s(v10), f32x4.convert_i32x4_s(v11));
    if (columns > 2) finish(op, e, arena, pixel + 2, c, end, f32x4.convert_i32x4_s(v20), f32x4.convert_i32x4_s(v21));
  }
}

/** 576 · sum modulo 2^32 → sum: times the inverse of 9, then 64 by a shift. */
// @ts-ignore: decorator
@inline
function divided(sum: v128): v128 {
  return i32x4.shr_s(i32x4.mul(sum, i32x4.splat(954437177)), 6);
}
