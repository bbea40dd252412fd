import { DepthwiseTail, Epilogue, Windowed } from './op';
import { finish } from './requantize';

/**
 * Four windows side by side over 8-bit activations, 8 channels of each. Dot products take no more than 7 bits of them,
 * so taps are multiplied one by one, in 16 bits: for each tap its 8 weights, then the 4 pixels.
 */
export function fourWide(op: Windowed, e: Epilogue, tail: DepthwiseTail, arena: usize, y: i32, inputX: i32, pixel: i32, c: i32): void {
  const zero = i32x4.splat(0);
  const pad = i16x8.splat(<i16>tail.padValue);
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
    for (let kx = 0; kx < op.kernelWidth; kx++, at += right, w += tap) {
      const weights = v128.load8x8_s(w);
      if (known) {
        let from = at;
        let product = i16x8.mul(v128.load8x8_u(from), weights);
        acc00 = i32x4.add(acc00, i32x4.extend_low_i16x8_s(product));
        acc01 = i32x4.add(acc01, i32x4.extend_high_i16x8_s(product));
        from += next;
        product = i16x8.mul(v128.load8x8_u(from), weights);
        acc10 = i32x4.add(acc10, i32x4.extend_low_i16x8_s(product));
        acc11 = i32x4.add(acc11, i32x4.extend_high_i16x8_s(product));
        from += next;
        product = i16x8.mul(v128.load8x8_u(from), weights);
        acc20 = i32x4.add(acc20, i32x4.extend_low_i16x8_s(product));
        acc21 = i32x4.add(acc21, i32x4.extend_high_i16x8_s(product));
        from += next;
        product = i16x8.mul(v128.load8x8_u(from), weights);
        acc30 = i32x4.add(acc30, i32x4.extend_low_i16x8_s(product));
        acc31 = i32x4.add(acc31, i32x4.extend_high_i16x8_s(product));
      } else {
        const product = i16x8.mul(pad, weights);
        const low = i32x4.extend_low_i16x8_s(product), high = i32x4.extend_high_i16x8_s(product);
        acc00 = i32x4.add(acc00, low), acc01 = i32x4.add(acc01, high);
        acc10 = i32x4.add(acc10, low), acc11 = i32x4.add(acc11, high);
        acc20 = i32x4.add(acc20, low), acc21 = i32x4.add(acc21, high);
        acc30 = i32x4.add(acc30, low), acc31 = i32x4.add(acc31, high);
      }
    }
  }
  finish(op, e, arena, pixel, c, channels, f32x4.convert_i32x4_s(acc00), f32x4.convert_i32x4_s(acc01));
  finish(op, e, arena, pixel + 1, c, channels, f32x4.convert_i32x4_s(acc10), f32x4.convert_i32x4_s(acc11));
  finish(op, e, arena, pixel + 2, c, channels, f32x4.convert_i32x4_s(acc20), f32x4.convert_i32x4_s(acc21));
  finish(op, e, arena, pixel + 3, c, channels, f32x4.convert_i32x4_s(acc30), f32x4.convert_i32x4_s(acc31));
}
