import { Copy } from './op';
import { bytesToFloat, storeFirst, toBytes } from './requantize';

/** Pads, slices, subsampling, concat: pixel by pixel; channels side by side go 16 or 8 at a time. */
export function copy(op: Copy, arena: usize): void {
  const channels = op.outputChannels;
  const fill = i8x16.splat(<i8>op.fill);
  // Output channels from … to − 1 have a channel of the input.
  const from = min(channels, max(0, (op.padChannel + op.strideC - 1) / op.strideC));
  const to = max(from, min(channels, floorDivide(op.padChannel + op.inputChannels - 1, op.strideC) + 1));
  for (let y = 0; y < op.outputHeight; y++) {
    const inputY = y * op.strideY - op.padTop;
    for (let x = 0; x < op.outputWidth; x++) {
      const inputX = x * op.strideX - op.padLeft;
      const output = arena + op.output + (y * op.outputWidth + x) * op.outputStride;
      if (<u32>inputY >= <u32>op.inputHeight || <u32>inputX >= <u32>op.inputWidth) {
        for (let c = 0; c < channels; c += 16) storeFirst(output + c, fill, channels - c);
        continue;
      }
      const input = arena + op.input + (inputY * op.inputWidth + inputX) * op.inputStride - op.padChannel;
      for (let c = 0; c < from; c += 16) storeFirst(output + c, fill, from - c);
      if (op.strideC == 1) copyChannels(op, input, output, from, to);
      else for (let c = from; c < to; c++) copyOne(op, input + c * op.strideC, output + c);
      for (let c = to; c < channels; c += 16) storeFirst(output + c, fill, channels - c);
    }
  }
}

function floorDivide(a: i32, b: i32): i32 {
  return a >= 0 ? a / b : -((b - 1 - a) / b);
}

function copyChannels(op: Copy, input: usize, output: usize, from: i32, to: i32): void {
  if (op.scale == 1 && op.bias == 0) {
    const most = i8x16.splat(127);
    for (let c = from; c < to; c += 16) storeFirst(output + c, i8x16.min_u(v128.load(input + c), most), to - c);
    return;
  }
  for (let c = from; c < to; c += 8) {
    const q = v128.load8x8_u(input + c);
    storeFirst(output + c, requantize(op, bytesToFloat(q, false), bytesToFloat(q, true)), min(8, to - c));
  }
}

function copyOne(op: Copy, input: usize, output: usize): void {
  const q = f32x4.splat(<f32>load<u8>(input));
  store<u8>(output, <u8>i8x16.extract_lane_u(requantize(op, q, q), 0));
}

// @ts-ignore: decorator
@inline
function requantize(op: Copy, q0: v128, q1: v128): v128 {
  const scale = f32x4.splat(op.scale), bias = f32x4.splat(op.bias);
  const v0 = f32x4.add(f32x4.mul(q0, scale), bias), v1 = f32x4.add(f32x4.mul(q1, scale), bias);
  return toBytes(v0, v1, f32x4.splat(0), f32x4.splat(127));
}
