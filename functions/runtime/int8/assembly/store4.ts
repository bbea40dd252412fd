import { Epilogue, Tensors } from './op';
import { bytesToFloat, finish, isPlain, toBytes } from './requantize';

/** Accumulators of 4 pixels by 8 channels → outputs. */
// @ts-ignore: decorator
@inline
export function store4(
  op: Tensors, e: Epilogue, arena: usize, pixel: i32, c: i32, end: i32,
  acc00: v128, acc01: v128, acc10: v128, acc11: v128, acc20: v128, acc21: v128, acc30: v128, acc31: v128,
): void {
  if (!isPlain(e) || c + 8 > end) {
    finish(op, e, arena, pixel, c, end, f32x4.convert_i32x4_s(acc00), f32x4.convert_i32x4_s(acc01));
    finish(op, e, arena, pixel + 1, c, end, f32x4.convert_i32x4_s(acc10), f32x4.convert_i32x4_s(acc11));
    finish(op, e, arena, pixel + 2, c, end, f32x4.convert_i32x4_s(acc20), f32x4.convert_i32x4_s(acc21));
    finish(op, e, arena, pixel + 3, c, end, f32x4.convert_i32x4_s(acc30), f32x4.convert_i32x4_s(acc31));
    return;
  }
  // As `finish` has it, without activation, to 8 whole bytes.
  const scales = <usize>(e.scale + c * 4), biases = <usize>(e.bias + c * 4);
  const scale0 = v128.load(scales), scale1 = v128.load(scales, 16);
  const bias0 = v128.load(biases), bias1 = v128.load(biases, 16);
  let v00 = scaled(acc00, scale0, bias0), v01 = scaled(acc01, scale1, bias1);
  let v10 = scaled(acc10, scale0, bias0), v11 = scaled(acc11, scale1, bias1);
  let v20 = scaled(acc20, scale0, bias0), v21 = scaled(acc21, scale1, bias1);
  let v30 = scaled(acc30, scale0, bias0), v31 = scaled(acc31, scale1, bias1);
  if (e.residual >= 0) {
    const factor = f32x4.splat(e.residualScale);
    const stride = e.residualStride;
    let at = arena + e.residual + pixel * stride + c;
    let r = v128.load8x8_u(at);
    v00 = f32x4.add(v00, f32x4.mul(bytesToFloat(r, false), factor));
    v01 = f32x4.add(v01, f32x4.mul(bytesToFloat(r, true), factor));
    r = v128.load8x8_u((at += stride));
    v10 = f32x4.add(v10, f32x4.mul(bytesToFloat(r, false), factor));
    v11 = f32x4.add(v11, f32x4.mul(bytesToFloat(r, true), factor));
    r = v128.load8x8_u((at += stride));
    v20 = f32x4.add(v20, f32x4.mul(bytesToFloat(r, false), factor));
    v21 = f32x4.add(v21, f32x4.mul(bytesToFloat(r, true), factor));
    r = v128.load8x8_u((at += stride));
    v30 = f32x4.add(v30, f32x4.mul(bytesToFloat(r, false), factor));
    v31 = f32x4.add(v31, f32x4.mul(bytesToFloat(r, true), factor));
  }
  const low = f32x4.splat(e.low), high = f32x4.splat(e.high);
  const stride = op.outputStride;
  let to = arena + op.output + pixel * stride + c;
  v128.store64_lane(to, toBytes(v00, v01, low, high), 0);
  v128.store64_lane((to += stride), toBytes(v10, v11, low, high), 0);
  v128.store64_lane((to += stride), toBytes(v20, v21, low, high), 0);
  v128.store64_lane((to += stride), toBytes(v30, v31, low, high), 0);
}

// @ts-ignore: decorator
@inline
function scaled(acc: v128, scale: v128, bias: v128): v128 {
  return f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(acc), scale), bias);
}
