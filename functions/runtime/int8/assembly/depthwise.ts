import { DepthwiseTail, Windowed, windowEpilogue, windowTail } from './op';
import { finish } from './requantize';

/**
 * Each channel by its own window, 8 channels at a time. Products of a byte of 7 bits and an int8 weight fit 16 bits.
 *
 *     for each output pixel: for each 8 channels: for each tap
 */
export function depthwise(op: Windowed, arena: usize): void {
  const e = windowEpilogue(op);
  const tail = windowTail<DepthwiseTail>(op);
  const pad = i16x8.splat(<i16>tail.padValue);
  const channels = op.outputChannels;
  const tapBytes = (channels + 7) & ~7;
  for (let y = 0; y < op.outputHeight; y++) {
    for (let x = 0; x < op.outputWidth; x++) {
      const inputY = y * op.strideY - op.padTop;
      const inputX = x * op.strideX - op.padLeft;
      for (let c = 0; c < channels; c += 8) {
        let acc0 = i32x4.splat(0), acc1 = acc0;
        let w = <usize>(tail.weights + c);
        for (let ky = 0; ky < op.kernelHeight; ky++) {
          const tapY = inputY + ky * tail.dilationY;
          const line = arena + op.input + tapY * op.inputWidth * op.inputStride + c;
          for (let kx = 0; kx < op.kernelWidth; kx++) {
            const tapX = inputX + kx * tail.dilationX;
            const inside = <u32>tapY < <u32>op.inputHeight && <u32>tapX < <u32>op.inputWidth;
            const value = inside ? v128.load8x8_u(line + tapX * op.inputStride) : pad;
            const product = i16x8.mul(value, v128.load8x8_s(w));
            acc0 = i32x4.add(acc0, i32x4.extend_low_i16x8_s(product));
            acc1 = i32x4.add(acc1, i32x4.extend_high_i16x8_s(product));
            w += tapBytes;
          }
        }
        const pixel = y * op.outputWidth + x;
        finish(op, e, arena, pixel, c, channels, f32x4.convert_i32x4_s(acc0), f32x4.convert_i32x4_s(acc1));
      }
    }
  }
}
