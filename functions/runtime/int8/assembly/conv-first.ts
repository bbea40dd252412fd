import { ConvFirstTail, Epilogue, Windowed, windowEpilogue, windowTail } from './op';
import { finish } from './requantize';
import { store4 } from './store4';

/**
 * The first convolution, on 8-bit pixels. Taps of a block of output pixels are widened to int16 into scratch, K of
 * them a row (the last one of an odd number is anything: its weight is 0). Weights [N/8][K/2][8][2] are widened as they
 * are read: a vector is 4 output channels by 2 steps of K.
 */
export function convFirst(op: Windowed, arena: usize): void {
  const e = windowEpilogue(op);
  const tail = windowTail<ConvFirstTail>(op);
  const k = (op.kernelHeight * op.kernelWidth * op.inputChannels + 1) & ~1;
  const rowBytes = k * 2;
  const pixels = op.outputHeight * op.outputWidth;
  const panel = arena + tail.scratch;
  let block = min(pixels, (tail.scratchBytes - 64) / rowBytes);
  if (block < pixels) block &= ~3;
  for (let first = 0; first < pixels; first += block) {
    const count = min(block, pixels - first);
    gather(op, tail.padValues, arena + op.input, panel, rowBytes, first, count);
    for (let c = 0; c < op.outputChannels; c += 8) {
      const weights = tail.weights + c * k;
      let row = 0;
      for (; row + 4 <= count; row += 4) tile(op, e, arena, panel + row * rowBytes, rowBytes, first + row, weights, c);
      for (; row < count; row++) tileRow(op, e, arena, panel + row * rowBytes, rowBytes, first + row, weights, c);
    }
  }
}

function tile(
  op: Windowed, e: Epilogue, arena: usize, row: usize, rowBytes: i32, pixel: i32, w: usize, c: i32,
): void {
  let acc00 = i32x4.splat(0), acc01 = acc00, acc10 = acc00, acc11 = acc00;
  let acc20 = acc00, acc21 = acc00, acc30 = acc00, acc31 = acc00;
  let row0 = row, row1 = row + rowBytes, row2 = row1 + rowBytes, row3 = row2 + rowBytes;
  const stop = row1;
  while (row0 < stop) {
    const w0 = v128.load8x8_s(w), w1 = v128.load8x8_s(w, 8);
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
    row0 += 4, row1 += 4, row2 += 4, row3 += 4, w += 16;
  }
  store4(op, e, arena, pixel, c, op.outputChannels, acc00, acc01, acc10, acc11, acc20, acc21, acc30, acc31);
}

function tileRow(
  op: Windowed, e: Epilogue, arena: usize, row: usize, rowBytes: i32, pixel: i32, w: usize, c: i32,
): void {
  let acc0 = i32x4.splat(0), acc1 = acc0;
  for (let stop = row + rowBytes; row < stop; row += 4, w += 16) {
    const a = v128.load32_splat(row);
    acc0 = i32x4.add(acc0, i32x4.dot_i16x8_s(v128.load8x8_s(w), a));
    acc1 = i32x4.add(acc1, i32x4.dot_i16x8_s(v128.load8x8_s(w, 8), a));
  }
  finish(op, e, arena, pixel, c, op.outputChannels, f32x4.convert_i32x4_s(acc0), f32x4.convert_i32x4_s(acc1));
}

/** Writes up to 7 values too many, which the next row writes over (or the spare 64 bytes of scratch take). */
function gather(
  op: Windowed, padValues: i32, input: usize, panel: usize, rowBytes: i32, first: i32, count: i32,
): void {
  const channels = op.inputChannels;
  const width = op.inputWidth;
  const line = op.kernelWidth * channels;
  let y = first / op.outputWidth;
  let x = first - y * op.outputWidth;
  for (let row = 0; row < count; row++) {
    let to = panel + row * rowBytes;
    const inputX = x * op.strideX - op.padLeft;
    for (let ky = 0; ky < op.kernelHeight; ky++) {
      const inputY = y * op.strideY - op.padTop + ky;
      const from = input + (inputY * width + inputX) * channels;
      if (<u32>inputY < <u32>op.inputHeight && inputX >= 0 && inputX + op.kernelWidth <= width) {
        for (let at = 0; at < line; at += 8) v128.store(to + at * 2, v128.load8x8_u(from + at));
      } else {
        for (let kx = 0; kx < op.kernelWidth; kx++) {
          const inside = <u32>inputY < <u32>op.inputHeight && <u32>(inputX + kx) < <u32>width;
          for (let c = 0; c < channels; c++) {
            const at = kx * channels + c;
            store<u16>(to + at * 2, inside ? <u16>load<u8>(from + at) : <u16>((padValues >>> (8 * c)) & 255));
          }
        }
      }
      to += line * 2;
    }
    if (++x == op.outputWidth) {
      x = 0;
      y++;
    }
  }
}
