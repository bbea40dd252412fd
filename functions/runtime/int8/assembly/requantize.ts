import { Epilogue, Tensors } from './op';

/**
 * From accumulators to bytes, 8 channels at a time as two vectors of float32. The operations and their order are
 * those of ../reference/requantize.ts.
 */

const NONE = 0;
const PRELU = 1;
const SIGMOID = 2;
const HARD_SIGMOID = 3;

/** 1.5 · 2^23: adding it leaves no bits behind the point, and the integer in the low ones. */
const ROUND: f32 = 12582912;

// @ts-ignore: decorator
@inline
export function clamp(v: v128, low: v128, high: v128): v128 {
  return f32x4.pmin(high, f32x4.pmax(low, v));
}

/** nearest(clamp(v)) of 8 channels as bytes, in the lower half (and again in the upper). */
// @ts-ignore: decorator
@inline
export function toBytes(v0: v128, v1: v128, low: v128, high: v128): v128 {
  const round = f32x4.splat(ROUND);
  const bits = i32x4.splat(0x4b400000);
  const q0 = i32x4.sub(f32x4.add(clamp(v0, low, high), round), bits);
  const q1 = i32x4.sub(f32x4.add(clamp(v1, low, high), round), bits);
  const q = i16x8.narrow_i32x4_s(q0, q1);
  return i8x16.narrow_i16x8_u(q, q);
}

/** Writes the first `count` ≤ 16 bytes and no other. */
export function storeFirst(at: usize, bytes: v128, count: i32): void {
  if (count >= 16) {
    v128.store(at, bytes);
    return;
  }
  if (count & 8) {
    v128.store64_lane(at, bytes, 0);
    at += 8;
    bytes = i64x2.splat(i64x2.extract_lane(bytes, 1));
  }
  let rest = i64x2.extract_lane(bytes, 0);
  if (count & 4) {
    store<u32>(at, <u32>rest);
    at += 4;
    rest >>= 32;
  }
  if (count & 2) {
    store<u16>(at, <u16>rest);
    at += 2;
    rest >>= 16;
  }
  if (count & 1) store<u8>(at, <u8>rest);
}

// @ts-ignore: decorator
@inline
export function bytesToFloat(bytes: v128, upper: bool): v128 {
  return f32x4.convert_i32x4_s(upper ? i32x4.extend_high_i16x8_u(bytes) : i32x4.extend_low_i16x8_u(bytes));
}

// @ts-ignore: decorator
@inline
function term(sum: v128, x: v128, coefficient: f32): v128 {
  return f32x4.add(f32x4.mul(sum, x), f32x4.splat(coefficient));
}

/** By tanh, a quotient of polynomials; coefficients as in the reference. */
function sigmoid(v: v128): v128 {
  const limit: f32 = 7.90531110763549805;
  const x = clamp(f32x4.mul(v, f32x4.splat(0.5)), f32x4.splat(-limit), f32x4.splat(limit));
  const x2 = f32x4.mul(x, x);
  let p = term(f32x4.splat(-2.76076847742355e-16), x2, 2.00018790482477e-13);
  p = term(p, x2, -8.60467152213735e-11);
  p = term(p, x2, 5.12229709037114e-8);
  p = term(p, x2, 1.48572235717979e-5);
  p = term(p, x2, 6.37261928875436e-4);
  p = term(p, x2, 4.89352455891786e-3);
  let q = term(f32x4.splat(1.19825839466702e-6), x2, 1.18534705686654e-4);
  q = term(q, x2, 2.268434632439e-3);
  q = term(q, x2, 4.89352518554385e-3);
  const tanh = f32x4.div(f32x4.mul(x, p), q);
  return f32x4.add(f32x4.mul(tanh, f32x4.splat(0.5)), f32x4.splat(0.5));
}

// @ts-ignore: decorator
@inline
function hardSigmoid(e: Epilogue, v: v128): v128 {
  const line = f32x4.add(f32x4.mul(v, f32x4.splat(e.alpha)), f32x4.splat(e.beta));
  return clamp(line, f32x4.splat(0), f32x4.splat(1));
}

function activate(e: Epilogue, v: v128, c: i32): v128 {
  let y: v128;
  if (e.activation == PRELU) {
    const sloped = f32x4.mul(v, v128.load(<usize>(e.slope + c * 4)));
    y = v128.bitselect(sloped, v, f32x4.lt(v, f32x4.splat(0)));
  } else if (e.activation == SIGMOID) {
    y = sigmoid(v);
  } else if (e.activation == HARD_SIGMOID) {
    y = hardSigmoid(e, v);
  } else {
    y = f32x4.mul(v, hardSigmoid(e, v));
  }
  return f32x4.add(f32x4.mul(y, f32x4.splat(e.activationScale)), f32x4.splat(e.activationZero));
}

/** Whether 8 whole channels need no more than scale, bias, residual and clamp: the kernels then do it in place. */
// @ts-ignore: decorator
@inline
export function isPlain(e: Epilogue): bool {
  return e.activation == NONE && !e.float;
}

/**
 * Stores output channels c … c + 7 of a pixel, as far as there are so many below `end`, with everything that an
 * epilogue may ask for.
 * @param acc0 accumulators of c … c + 3 as float32
 * @param acc1 of c + 4 … c + 7
 */
export function finish(
  op: Tensors, e: Epilogue, arena: usize, pixel: i32, c: i32, end: i32, acc0: v128, acc1: v128,
): void {
  let v0 = f32x4.add(f32x4.mul(acc0, v128.load(<usize>(e.scale + c * 4))), v128.load(<usize>(e.bias + c * 4)));
  let v1 = f32x4.add(f32x4.mul(acc1, v128.load(<usize>(e.scale + c * 4), 16)), v128.load(<usize>(e.bias + c * 4), 16));
  if (e.residual >= 0) {
    const r = v128.load8x8_u(arena + e.residual + pixel * e.residualStride + c);
    const scale = f32x4.splat(e.residualScale);
    v0 = f32x4.add(v0, f32x4.mul(bytesToFloat(r, false), scale));
    v1 = f32x4.add(v1, f32x4.mul(bytesToFloat(r, true), scale));
  }
  if (e.activation != NONE) {
    v0 = activate(e, v0, c);
    v1 = activate(e, v1, c + 4);
  }
  const count = min(8, end - c);
  if (e.float) {
    const at = arena + op.output + 4 * (pixel * op.outputChannels + c);
    storeFirst(at, v0, count * 4);
    if (count > 4) storeFirst(at + 16, v1, (count - 4) * 4);
  } else {
    const q = toBytes(v0, v1, f32x4.splat(e.low), f32x4.splat(e.high));
    storeFirst(arena + op.output + pixel * op.outputStride + c, q, count);
  }
}
