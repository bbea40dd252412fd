import { Lrn } from './op';
import { toBytes } from './requantize';

/**
 * Local response normalization across channels. Where the windows of 8 channels lie inside the tensor, the squares
 * of 8 neighbours are added at a time; the first and last channels of a pixel are done one by one.
 */
export function lrn(op: Lrn, arena: usize): void {
  const pixels = op.outputHeight * op.outputWidth;
  const channels = op.outputChannels;
  const before = (op.size - 1) >> 1;
  const after = op.size >> 1;
  const zero = i16x8.splat(<i16>op.zero);
  const low = f32x4.splat(0), high = f32x4.splat(127);
  // Four squares of up to 127 fit 16 bits.
  const fours = op.zero <= 127;
  let input = arena + op.input, output = arena + op.output;
  for (let pixel = 0; pixel < pixels; pixel++) {
    let c = 0;
    for (; c < min(before, channels); c++) one(op, input, output, c, before, after);
    for (; c + 8 + after <= channels; c += 8) {
      let sum0 = i32x4.splat(0), sum1 = sum0;
      let at = input + c - before;
      const last = input + c + after;
      if (fours) {
        for (; at + 3 <= last; at += 4) {
          const sum = i16x8.add(
            i16x8.add(square(at, zero), square(at + 1, zero)), i16x8.add(square(at + 2, zero), square(at + 3, zero)),
          );
          sum0 = i32x4.add(sum0, i32x4.extend_low_i16x8_u(sum));
          sum1 = i32x4.add(sum1, i32x4.extend_high_i16x8_u(sum));
        }
      }
      for (; at <= last; at++) {
        const sum = square(at, zero);
        sum0 = i32x4.add(sum0, i32x4.extend_low_i16x8_u(sum));
        sum1 = i32x4.add(sum1, i32x4.extend_high_i16x8_u(sum));
      }
      const d = i16x8.sub(v128.load8x8_u(input + c), zero);
      const v0 = normalize(op, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(d)), f32x4.convert_i32x4_s(sum0));
      const v1 = normalize(op, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(d)), f32x4.convert_i32x4_s(sum1));
      v128.store64_lane(output + c, toBytes(v0, v1, low, high), 0);
    }
    for (; c < channels; c++) one(op, input, output, c, before, after);
    input += op.inputStride, output += op.outputStride;
  }
}

/** Squares of 8 differences, unsigned. */
// @ts-ignore: decorator
@inline
function square(at: usize, zero: v128): v128 {
  const d = i16x8.sub(v128.load8x8_u(at), zero);
  return i16x8.mul(d, d);
}

function one(op: Lrn, input: usize, output: usize, c: i32, before: i32, after: i32): void {
  let sum = 0;
  const last = min(op.inputChannels - 1, c + after);
  for (let at = max(0, c - before); at <= last; at++) {
    const d = <i32>load<u8>(input + at) - op.zero;
    sum += d * d;
  }
  const v = normalize(op, f32x4.splat(<f32>(<i32>load<u8>(input + c) - op.zero)), f32x4.splat(<f32>sum));
  store<u8>(output + c, <u8>i8x16.extract_lane_u(toBytes(v, v, f32x4.splat(0), f32x4.splat(127)), 0));
}

/** (d · multiplier) / (k + alpha · sum)^(quarters / 4) + bias, the power as in the reference. */
// @ts-ignore: decorator
@inline
function normalize(op: Lrn, d: v128, sum: v128): v128 {
  const base = f32x4.add(f32x4.splat(op.k), f32x4.mul(f32x4.splat(op.alpha), sum));
  let power = f32x4.splat(1);
  for (let whole = op.quarters >> 2; whole > 0; whole--) power = f32x4.mul(power, base);
  const root = f32x4.sqrt(base);
  if (op.quarters & 2) power = f32x4.mul(power, root);
  if (op.quarters & 1) power = f32x4.mul(power, f32x4.sqrt(root));
  return f32x4.add(f32x4.div(f32x4.mul(d, f32x4.splat(op.multiplier)), power), f32x4.splat(op.bias));
}
