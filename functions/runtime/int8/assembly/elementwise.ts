import { Add, Lookup, Mul } from './op';
import { bytesToFloat, storeFirst, toBytes } from './requantize';

/** Two tensors, or one, byte by byte: 8 or 16 channels of a pixel at a time. */

export function add(op: Add, arena: usize): void {
  const scale = f32x4.splat(op.scale), otherScale = f32x4.splat(op.otherScale), bias = f32x4.splat(op.bias);
  const low = f32x4.splat(op.low), high = f32x4.splat(op.high);
  const pixels = op.outputHeight * op.outputWidth;
  let input = arena + op.input, other = arena + op.other, output = arena + op.output;
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let c = 0; c < op.outputChannels; c += 8) {
      const a = v128.load8x8_u(input + c), b = v128.load8x8_u(other + c);
      const a0 = f32x4.mul(bytesToFloat(a, false), scale), a1 = f32x4.mul(bytesToFloat(a, true), scale);
      const b0 = f32x4.mul(bytesToFloat(b, false), otherScale), b1 = f32x4.mul(bytesToFloat(b, true), otherScale);
      const v0 = f32x4.add(f32x4.add(a0, b0), bias), v1 = f32x4.add(f32x4.add(a1, b1), bias);
      storeFirst(output + c, toBytes(v0, v1, low, high), min(8, op.outputChannels - c));
    }
    input += op.inputStride, other += op.otherStride, output += op.outputStride;
  }
}

export function mul(op: Mul, arena: usize): void {
  const scale = f32x4.splat(op.scale), bias = f32x4.splat(op.bias);
  const low = f32x4.splat(op.low), high = f32x4.splat(op.high);
  const zero = i16x8.splat(<i16>op.zero), otherZero = i16x8.splat(<i16>op.otherZero);
  const pixels = op.outputHeight * op.outputWidth;
  let input = arena + op.input, other = arena + op.other, output = arena + op.output;
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let c = 0; c < op.outputChannels; c += 8) {
      const a = i16x8.sub(v128.load8x8_u(input + c), zero);
      const b = i16x8.sub(v128.load8x8_u(other + c), otherZero);
      const product0 = f32x4.convert_i32x4_s(i32x4.extmul_low_i16x8_s(a, b));
      const product1 = f32x4.convert_i32x4_s(i32x4.extmul_high_i16x8_s(a, b));
      const v0 = f32x4.add(f32x4.mul(product0, scale), bias), v1 = f32x4.add(f32x4.mul(product1, scale), bias);
      storeFirst(output + c, toBytes(v0, v1, low, high), min(8, op.outputChannels - c));
    }
    input += op.inputStride, output += op.outputStride;
    if (!op.broadcast) other += op.otherStride;
  }
}

export function lookup(op: Lookup, arena: usize): void {
  const pixels = op.outputHeight * op.outputWidth;
  let input = arena + op.input, output = arena + op.output;
  for (let pixel = 0; pixel < pixels; pixel++) {
    if (op.perChannel) {
      for (let c = 0; c < op.outputChannels; c++) {
        store<u8>(output + c, load<u8>(<usize>(op.table + c * 128 + (load<u8>(input + c) & 127))));
      }
    } else {
      for (let c = 0; c < op.outputChannels; c += 16) {
        storeFirst(output + c, lookup16(op.table, v128.load(input + c)), op.outputChannels - c);
      }
    }
    input += op.inputStride, output += op.outputStride;
  }
}

/** Eight tables of 16: a swizzle gives 0 for the indices that are not its own. */
// @ts-ignore: decorator
@inline
function lookup16(table: usize, bytes: v128): v128 {
  let index = v128.and(bytes, i8x16.splat(127));
  let found = v128.swizzle(v128.load(table), index);
  for (let part = 16; part < 128; part += 16) {
    index = i8x16.sub(index, i8x16.splat(16));
    found = v128.or(found, v128.swizzle(v128.load(table + part), index));
  }
  return found;
}
