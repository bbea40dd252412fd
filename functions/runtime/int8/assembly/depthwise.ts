import { beside, depthwise3x3 } from './depthwise3x3';
import { fourWide } from './depthwise-wide';
import { dot } from './dot';
import { DepthwiseTail, Epilogue, Windowed, windowEpilogue, windowTail } from './op';
import { finish } from './requantize';

/**
 * Each channel by its own window, 8 channels at a time:
 *
 *     for each output row: for each 8 channels: for each 4 pixels whose windows lie inside the map's width, else each one
 *       for each row of the window: for each 4 taps (those that are missing have weights of 0)
 *
 * Of those 4 pixels, two taps lie side by side, byte by byte, so that one dot multiplies and adds both: t0c0 t1c0 t0c1 t1c1 … t1c7.
 */
export function depthwise(op: Windowed, arena: usize): void {
  if (op.kernelHeight == 3 && op.kernelWidth == 3) {
    depthwise3x3(op, arena);
    return;
  }
  windows(op, arena, false);
}

/** `depthwise` on 8-bit activations. */
export function depthwiseWide(op: Windowed, arena: usize): void {
  windows(op, arena, true);
}

/** A copy for each: what is `wide` is known when it is built. */
// @ts-ignore: decorator
@inline
function windows(op: Windowed, arena: usize, wide: bool): void {
  const e = windowEpilogue(op);
  const tail = windowTail<DepthwiseTail>(op);
  const channels = op.outputChannels;
  const reach = 3 * op.strideX + (op.kernelWidth - 1) * tail.dilationX;
  for (let y = 0; y < op.outputHeight; y++) {
    for (let c = 0; c < channels; c += 8) {
      for (let x = 0; x < op.outputWidth; ) {
        const inputX = x * op.strideX - op.padLeft;
        const pixel = y * op.outputWidth + x;
        if (x + 4 <= op.outputWidth && inputX >= 0 && inputX + reach < op.inputWidth) {
          if (wide) fourWide(op, e, tail, arena, y, inputX, pixel, c);
          else four(op, e, tail, arena, y, inputX, pixel, c);
          x += 4;
        } else {
          one(op, e, tail, arena, y, inputX, pixel, c);
          x++;
        }
      }
    }
  }
}

function four(op: Windowed, e: Epilogue, tail: DepthwiseTail, arena: usize, y: i32, inputX: i32, pixel: i32, c: i32): void {
  const ones = i16x8.splat(1), zero = i16x8.splat(0);
  const pad = i8x16.splat(<i8>tail.padValue);
  const channels = op.outputChannels;
  const tap = (channels + 7) & ~7;
  const stride = op.inputStride;
  const right = tail.dilationX * stride, next = op.strideX * stride;
  let acc00 = zero, acc01 = zero, acc10 = zero, acc11 = zero, acc20 = zero, acc21 = zero, acc30 = zero, acc31 = zero;
  let w = <usize>(tail.weights + c);
  for (let ky = 0; ky < op.kernelHeight; ky++) {
    const tapY = y * op.strideY - op.padTop + ky * tail.dilationY;
    const known = <u32>tapY < <u32>op.inputHeight;
    let at = arena + op.input + (tapY * op.inputWidth + inputX) * stride + c;
    for (let left = op.kernelWidth; left > 0; left -= 4, at += 4 * right) {
      const w01 = beside(v128.load64_zero(w), left > 1 ? v128.load64_zero(w + tap) : zero);
      const w23 = beside(left > 2 ? v128.load64_zero(w + 2 * tap) : zero, left > 3 ? v128.load64_zero(w + 3 * tap) : zero);
      w += min(left, 4) * tap;
      if (known) {
        // A tap that is missing reads its neighbour's place again.
        const to1 = left > 1 ? right : 0, to2 = left > 2 ? 2 * right : 0, to3 = left > 3 ? 3 * right : 0;
        let h01 = dot(w01, beside(v128.load64_zero(at), v128.load64_zero(at + to1)));
        let h23 = dot(w23, beside(v128.load64_zero(at + to2), v128.load64_zero(at + to3)));
        acc00 = i32x4.add(acc00, lower(h01, h23, ones)), acc01 = i32x4.add(acc01, upper(h01, h23, ones));
        let from = at + next;
        h01 = dot(w01, beside(v128.load64_zero(from), v128.load64_zero(from + to1)));
        h23 = dot(w23, beside(v128.load64_zero(from + to2), v128.load64_zero(from + to3)));
        acc10 = i32x4.add(acc10, lower(h01, h23, ones)), acc11 = i32x4.add(acc11, upper(h01, h23, ones));
        from += next;
        h01 = dot(w01, beside(v128.load64_zero(from), v128.load64_zero(from + to1)));
        h23 = dot(w23, beside(v128.load64_zero(from + to2), v128.load64_zero(from + to3)));
        acc20 = i32x4.add(acc20, lower(h01, h23, ones)), acc21 = i32x4.add(acc21, upper(h01, h23, ones));
        from += next;
        h01 = dot(w01, beside(v128.load64_zero(from), v128.load64_zero(from + to1)));
        h23 = dot(w23, beside(v128.load64_zero(from + to2), v128.load64_zero(from + to3)));
        acc30 = i32x4.add(acc30, lower(h01, h23, ones)), acc31 = i32x4.add(acc31, upper(h01, h23, ones));
      } else {
        const h01 = dot(w01, pad), h23 = dot(w23, pad);
        const sum0 = lower(h01, h23, ones), sum1 = upper(h01, h23, ones);
        acc00 = i32x4.add(acc00, sum0), acc01 = i32x4.add(acc01, sum1);
        acc10 = i32x4.add(acc10, sum0), acc11 = i32x4.add(acc11, sum1);
        acc20 = i32x4.add(acc20, sum0), acc21 = i32x4.add(acc21, sum1);
        acc30 = i32x4.add(acc30, sum0), acc31 = i32x4.add(acc31, sum1);
      }
    }
  }
  finish(op, e, arena, pixel, c, channels, f32x4.convert_i32x4_s(acc00), f32x4.convert_i32x4_s(acc01));
  finish(op, e, arena, pixel + 1, c, channels, f32x4.convert_i32x4_s(acc10), f32x4.convert_i32x4_s(acc11));
  finish(op, e, arena, pixel + 2, c, channels, f32x4.convert_i32x4_s(acc20), f32x4.convert_i32x4_s(acc21));
  finish(op, e, arena, pixel + 3, c, channels, f32x4.convert_i32x4_s(acc30), f32x4.convert_i32x4_s(acc31));
}

/** A window that may reach beyond the map, tap by tap: products of a byte and an int8 weight fit 16 bits. */
function one(op: Windowed, e: Epilogue, tail: DepthwiseTail, arena: usize, y: i32, inputX: i32, pixel: i32, c: i32): void {
  const pad = i16x8.splat(<i16>tail.padValue);
  const channels = op.outputChannels;
  const tap = (channels + 7) & ~7;
  const width = op.inputWidth, stride = op.inputStride;
  let acc0 = i32x4.splat(0), acc1 = acc0;
  let w = <usize>(tail.weights + c);
  for (let ky = 0; ky < op.kernelHeight; ky++) {
    const tapY = y * op.strideY - op.padTop + ky * tail.dilationY;
    const known = <u32>tapY < <u32>op.inputHeight;
    const line = arena + op.input + tapY * width * stride + c;
    for (let kx = 0, tapX = inputX; kx < op.kernelWidth; kx++, tapX += tail.dilationX, w += tap) {
      const value = known && <u32>tapX < <u32>width ? v128.load8x8_u(line + tapX * stride) : pad;
      const product = i16x8.mul(value, v128.load8x8_s(w));
      acc0 = i32x4.add(acc0, i32x4.extend_low_i16x8_s(product));
      acc1 = i32x4.add(acc1, i32x4.extend_high_i16x8_s(product));
    }
  }
  finish(op, e, arena, pixel, c, channels, f32x4.convert_i32x4_s(acc0), f32x4.convert_i32x4_s(acc1));
}

/** Sums of two pairs of taps, channels c … c + 3 and c + 4 … c + 7. */
// @ts-ignore: decorator
@inline
function lower(h01: v128, h23: v128, ones: v128): v128 {
  return i32x4.dot_i16x8_s(v128.shuffle<i16>(h01, h23, 0, 8, 1, 9, 2, 10, 3, 11), ones);
}

// @ts-ignore: decorator
@inline
function upper(h01: v128, h23: v128, ones: v128): v128 {
  return i32x4.dot_i16x8_s(v128.shuffle<i16>(h01, h23, 4, 12, 5, 13, 6, 14, 7, 15), ones);
}
