import { depthwise3x3 } from './depthwise3x3';
import { DepthwiseTail, Windowed, windowEpilogue, windowTail } from './op';
import { finish } from './requantize';

/**
 * Each channel by its own window, 8 channels at a time. Products of a byte of 7 bits and an int8 weight fit 16 bits.
 *
 *     for each output pixel: for each 8 channels: for each tap
 */
export function depthwise(op: Windowed, arena: usize): void {
  if (op.kernelHeight == 3 && op.kernelWidth == 3) {
    depthwise3x3(op, arena);
    return;
  }
  const e = windowEpilogue(op);
  const tail = windowTail<DepthwiseTail>(op);
  const pad = i16x8.splat(<i16>tail.padValue);
  const channels = op.outputChannels;
  const tapBytes = (channels + 7) & ~7;
  const height = op.inputHeight, width = op.inputWidth, stride = op.inputStride;
  const kernelHeight = op.kernelHeight, kernelWidth = op.kernelWidth;
  const dilationY = tail.dilationY, dilationX = tail.dilationX;
  for (let y = 0; y < op.outputHeight; y++) {
    const inputY = y * op.strideY - op.padTop;
    for (let x = 0; x < op.outputWidth; x++) {
      const inputX = x * op.strideX - op.padLeft;
      for (let c = 0; c < channels; c += 8) {
        let acc0 = i32x4.splat(0), acc1 = acc0;
        let w = <usize>(tail.weights + c);
        for (let ky = 0; ky < kernelHeight; ky++) {
          const tapY = inputY + ky * dilationY;
          const known = <u32>tapY < <u32>height;
          const line = arena + op.input + tapY * width * stride + c;
          for (let kx = 0, tapX = inputX; kx < kernelWidth; kx++, tapX += dilationX, w += tapBytes) {
            const value = known && <u32>tapX < <u32>width ? v128.load8x8_u(line + tapX * stride) : pad;
            const product = i16x8.mul(value, v128.load8x8_s(w));
            acc0 = i32x4.add(acc0, i32x4.extend_low_i16x8_s(product));
            acc1 = i32x4.add(acc1, i32x4.extend_high_i16x8_s(product));
          }
        }
        const pixel = y * op.outputWidth + x;
        finish(op, e, arena, pixel, c, channels, f32x4.convert_i32x4_s(acc0), f32x4.convert_i32x4_s(acc1));
      }
    }
  }
}
