import { dotAddNarrow, widened } from './dot';
import { DenseInt4Tail, Epilogue, Tensors } from './op';
import { finish } from './requantize';

/**
 * A dense layer of 4-bit weights, read once in order. 128 bytes are 8 output channels by 32 steps of K; each byte is
 * two weights + 8, of steps k and k + 4. The sums of a group fit 16 bits: 8 · 2 · 127 · 8 < 2^15.
 */
export function denseInt4(op: Tensors, arena: usize): void {
  const e = changetype<Epilogue>(changetype<usize>(op) + offsetof<Tensors>());
  const tail = changetype<DenseInt4Tail>(changetype<usize>(op) + offsetof<Tensors>() + offsetof<Epilogue>());
  const ones = i16x8.splat(1);
  const groups = (op.inputChannels + 31) >> 5;
  let w = <usize>tail.weights;
  let scales = <usize>tail.groupScales;
  for (let c = 0; c < op.outputChannels; c += 8) {
    let v0 = f32x4.splat(0), v1 = v0;
    let a = arena + op.input;
    for (let group = 0; group < groups; group++) {
      let h0 = i16x8.splat(0), h1 = h0;
      let a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4);
      let w0 = v128.load(w), w1 = v128.load(w, 16);
      h0 = dotAddNarrow(high4(w0), a1, dotAddNarrow(low4(w0), a0, h0));
      h1 = dotAddNarrow(high4(w1), a1, dotAddNarrow(low4(w1), a0, h1));
      a0 = v128.load32_splat(a, 8), a1 = v128.load32_splat(a, 12);
      w0 = v128.load(w, 32), w1 = v128.load(w, 48);
      h0 = dotAddNarrow(high4(w0), a1, dotAddNarrow(low4(w0), a0, h0));
      h1 = dotAddNarrow(high4(w1), a1, dotAddNarrow(low4(w1), a0, h1));
      a0 = v128.load32_splat(a, 16), a1 = v128.load32_splat(a, 20);
      w0 = v128.load(w, 64), w1 = v128.load(w, 80);
      h0 = dotAddNarrow(high4(w0), a1, dotAddNarrow(low4(w0), a0, h0));
      h1 = dotAddNarrow(high4(w1), a1, dotAddNarrow(low4(w1), a0, h1));
      a0 = v128.load32_splat(a, 24), a1 = v128.load32_splat(a, 28);
      w0 = v128.load(w, 96), w1 = v128.load(w, 112);
      h0 = dotAddNarrow(high4(w0), a1, dotAddNarrow(low4(w0), a0, h0));
      h1 = dotAddNarrow(high4(w1), a1, dotAddNarrow(low4(w1), a0, h1));
      a += 32;
      w += 128;
      const half = v128.load16x4_u(scales), half1 = v128.load16x4_u(scales, 8);
      v0 = f32x4.add(v0, f32x4.mul(f32x4.convert_i32x4_s(widened(h0, ones)), halfToFloat(half)));
      v1 = f32x4.add(v1, f32x4.mul(f32x4.convert_i32x4_s(widened(h1, ones)), halfToFloat(half1)));
      scales += 16;
    }
    finish(op, e, arena, 0, c, op.outputChannels, v0, v1);
  }
}

// @ts-ignore: decorator
@inline
function low4(w: v128): v128 {
  return i8x16.sub(v128.and(w, i8x16.splat(15)), i8x16.splat(8));
}

// @ts-ignore: decorator
@inline
function high4(w: v128): v128 {
  return i8x16.sub(v128.and(i16x8.shr_u(w, 4), i8x16.splat(15)), i8x16.splat(8));
}

/** Exponent and fraction of a float16 move into their places in float32, whose bias is 112 more. */
// @ts-ignore: decorator
@inline
function halfToFloat(half: v128): v128 {
  const bits = i32x4.shl(v128.and(half, i32x4.splat(0x7fff)), 13);
  return f32x4.mul(bits, i32x4.splat(0x77800000));
}
