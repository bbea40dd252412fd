import { dot } from './dot';
import { DepthwiseTail, Windowed, windowEpilogue, windowTail } from './op';
import { finish, isPlain, toBytes } from './requantize';

/**
 * 3x3 windows, the nine weights of 8 channels in registers:
 *
 *     for each output row: for each 8 channels: for each pixel
 *
 * Two taps lie side by side, byte by byte, so that one dot multiplies and adds both: t0c0 t1c0 t0c1 t1c1 … t1c7.
 */
export function depthwise3x3(op: Windowed, arena: usize): void {
  const tail = windowTail<DepthwiseTail>(op);
  for (let y = 0; y < op.outputHeight; y++) {
    const inputY = y * op.strideY - op.padTop;
    for (let c = 0; c < op.outputChannels; c += 8) row(op, tail, arena, y, inputY, c);
  }
}

function row(op: Windowed, tail: DepthwiseTail, arena: usize, y: i32, inputY: i32, c: i32): void {
  const e = windowEpilogue(op);
  const channels = op.outputChannels;
  const tap = (channels + 7) & ~7;
  const zero = i8x16.splat(0);
  let w = <usize>(tail.weights + c);
  const w01 = beside(v128.load64_zero(w), v128.load64_zero(w + tap));
  const w23 = beside(v128.load64_zero(w + 2 * tap), v128.load64_zero(w + 3 * tap));
  const w45 = beside(v128.load64_zero(w + 4 * tap), v128.load64_zero(w + 5 * tap));
  const w67 = beside(v128.load64_zero(w + 6 * tap), v128.load64_zero(w + 7 * tap));
  const w8 = beside(v128.load64_zero(w + 8 * tap), zero);
  const ones = i16x8.splat(1);
  const pad = i8x16.splat(<i8>tail.padValue);

  const plain = isPlain(e) && e.residual < 0 && c + 8 <= channels;
  const scales = <usize>(e.scale + c * 4), biases = <usize>(e.bias + c * 4);
  const scale0 = v128.load(scales), scale1 = v128.load(scales, 16);
  const bias0 = v128.load(biases), bias1 = v128.load(biases, 16);
  const low = f32x4.splat(e.low), high = f32x4.splat(e.high);

  const width = op.inputWidth, height = op.inputHeight, stride = op.inputStride;
  const down = tail.dilationY * width * stride, right = tail.dilationX * stride;
  const rowsInside = inputY >= 0 && inputY + 2 * tail.dilationY < height;
  const known0 = <u32>inputY < <u32>height;
  const known1 = <u32>(inputY + tail.dilationY) < <u32>height;
  const known2 = <u32>(inputY + 2 * tail.dilationY) < <u32>height;
  let inputX = -op.padLeft;
  let at = arena + op.input + (inputY * width + inputX) * stride + c;
  let pixel = y * op.outputWidth;
  let to = arena + op.output + pixel * op.outputStride + c;
  for (const end = pixel + op.outputWidth; pixel < end; pixel++) {
    let h01: v128, h23: v128, h45: v128, h67: v128, h8: v128;
    if (rowsInside && inputX >= 0 && inputX + 2 * tail.dilationX < width) {
      const line1 = at + down, line2 = line1 + down;
      h01 = dot(w01, beside(v128.load64_zero(at), v128.load64_zero(at + right)));
      h23 = dot(w23, beside(v128.load64_zero(at + 2 * right), v128.load64_zero(line1)));
      h45 = dot(w45, beside(v128.load64_zero(line1 + right), v128.load64_zero(line1 + 2 * right)));
      h67 = dot(w67, beside(v128.load64_zero(line2), v128.load64_zero(line2 + right)));
      h8 = dot(w8, beside(v128.load64_zero(line2 + 2 * right), zero));
    } else {
      const in0 = <u32>inputX < <u32>width;
      const in1 = <u32>(inputX + tail.dilationX) < <u32>width;
      const in2 = <u32>(inputX + 2 * tail.dilationX) < <u32>width;
      const line1 = at + down, line2 = line1 + down;
      h01 = dot(w01, beside(either(known0 && in0, at, pad), either(known0 && in1, at + right, pad)));
      h23 = dot(w23, beside(either(known0 && in2, at + 2 * right, pad), either(known1 && in0, line1, pad)));
      h45 = dot(w45, beside(either(known1 && in1, line1 + right, pad), either(known1 && in2, line1 + 2 * right, pad)));
      h67 = dot(w67, beside(either(known2 && in0, line2, pad), either(known2 && in1, line2 + right, pad)));
      h8 = dot(w8, beside(either(known2 && in2, line2 + 2 * right, pad), zero));
    }
    // Pairs of sums, 16 bits each, are widened as they are added.
    const acc0 = i32x4.add(
      i32x4.add(
        i32x4.dot_i16x8_s(v128.shuffle<i16>(h01, h23, 0, 8, 1, 9, 2, 10, 3, 11), ones),
        i32x4.dot_i16x8_s(v128.shuffle<i16>(h45, h67, 0, 8, 1, 9, 2, 10, 3, 11), ones),
      ),
      i32x4.extend_low_i16x8_s(h8),
    );
    const acc1 = i32x4.add(
      i32x4.add(
        i32x4.dot_i16x8_s(v128.shuffle<i16>(h01, h23, 4, 12, 5, 13, 6, 14, 7, 15), ones),
        i32x4.dot_i16x8_s(v128.shuffle<i16>(h45, h67, 4, 12, 5, 13, 6, 14, 7, 15), ones),
      ),
      i32x4.extend_high_i16x8_s(h8),
    );
    const v0 = f32x4.convert_i32x4_s(acc0), v1 = f32x4.convert_i32x4_s(acc1);
    if (plain) {
      const scaled0 = f32x4.add(f32x4.mul(v0, scale0), bias0), scaled1 = f32x4.add(f32x4.mul(v1, scale1), bias1);
      v128.store64_lane(to, toBytes(scaled0, scaled1, low, high), 0);
    } else {
      finish(op, e, arena, pixel, c, channels, v0, v1);
    }
    inputX += op.strideX;
    at += op.strideX * stride;
    to += op.outputStride;
  }
}

/** The lower 8 bytes of two vectors, alternating. */
// @ts-ignore: decorator
@inline
export function beside(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

// @ts-ignore: decorator
@inline
function either(inside: bool, at: usize, pad: v128): v128 {
  return inside ? v128.load64_zero(at) : pad;
}
