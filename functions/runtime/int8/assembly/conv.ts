import { convWinograd } from './conv3x3-winograd';
import { gemm } from './gemm';
import { gemmWide } from './gemm-wide';
import { ConvTail, Epilogue, Windowed, windowEpilogue, windowTail } from './op';

const WINOGRAD = 2;
/** The form of 8-bit activations. */
const WIDE = 3;

/**
 * A convolution as a product of rows (one an output pixel, K bytes) with panels of weights. A 1x1 convolution reads
 * its rows from the tensor; any other gathers the taps of a block of pixels into scratch:
 *
 *     for each block of pixels: for each group: gather, then panels of 8 channels outside, rows inside
 */
export function conv(op: Windowed, arena: usize): void {
  const e = windowEpilogue(op);
  const tail = windowTail<ConvTail>(op);
  if (tail.form == WINOGRAD) {
    convWinograd(op, arena);
    return;
  }
  const inputs = op.inputChannels / tail.groups;
  const outputs = op.outputChannels / tail.groups;
  const tapBytes = (inputs + 3) & ~3;
  const k = (op.kernelHeight * op.kernelWidth * tapBytes + 15) & ~15;
  const groupBytes = ((outputs + 7) & ~7) * k;
  const pixels = op.outputHeight * op.outputWidth;

  if (readsTensorAsRows(op)) {
    for (let group = 0; group < tail.groups; group++) {
      const rows = arena + op.input + group * inputs;
      const weights = tail.weights + group * groupBytes;
      if (tail.form == WIDE) gemmWide(op, e, arena, rows, op.inputStride, 0, pixels, k, weights, group * outputs, outputs);
      else gemm(op, e, tail.form, arena, rows, op.inputStride, 0, pixels, k, weights, group * outputs, outputs);
    }
    return;
  }
  const scratch = arena + tail.scratch;
  let block = min(pixels, (tail.scratchBytes - 64) / k);
  if (block < pixels) block &= ~3;
  for (let first = 0; first < pixels; first += block) {
    const count = min(block, pixels - first);
    for (let group = 0; group < tail.groups; group++) {
      gather(op, tail, arena + op.input + group * inputs, scratch, tapBytes, k, first, count);
      const weights = tail.weights + group * groupBytes;
      if (tail.form == WIDE) gemmWide(op, e, arena, scratch, k, first, count, k, weights, group * outputs, outputs);
      else gemm(op, e, tail.form, arena, scratch, k, first, count, k, weights, group * outputs, outputs);
    }
  }
}

function readsTensorAsRows(op: Windowed): bool {
  return (
    op.kernelHeight == 1 && op.kernelWidth == 1 && op.strideY == 1 && op.strideX == 1 && op.padTop == 0 &&
    op.padLeft == 0 && op.outputHeight == op.inputHeight && op.outputWidth == op.inputWidth
  );
}

/** Copies in vectors: up to 15 bytes after the last are written too, and written over by what comes next. */
// @ts-ignore: decorator
@inline
function copyOver(to: usize, from: usize, bytes: i32): void {
  for (let at = 0; at < bytes; at += 16) v128.store(to + at, v128.load(from + at));
}

/** Rows of the panel for pixels first … first + count − 1, taps in order, padValue where a tap lies outside the map. */
function gather(
  op: Windowed, tail: ConvTail, input: usize, panel: usize, tapBytes: i32, k: i32, first: i32, count: i32,
): void {
  const pad = i8x16.splat(<i8>tail.padValue);
  const width = op.inputWidth;
  const stride = op.inputStride;
  const kernelWidth = op.kernelWidth;
  const dilationX = tail.dilationX;
  // Taps of one row of the kernel lie side by side in the tensor as they do in the panel.
  const adjoining = dilationX == 1 && tapBytes == stride;
  let y = first / op.outputWidth;
  let x = first - y * op.outputWidth;
  for (let row = 0; row < count; row++) {
    let to = panel + row * k;
    const inputX = x * op.strideX - op.padLeft;
    for (let ky = 0; ky < op.kernelHeight; ky++) {
      const inputY = y * op.strideY - op.padTop + ky * tail.dilationY;
      const line = input + inputY * width * stride;
      if (<u32>inputY >= <u32>op.inputHeight) {
        const bytes = kernelWidth * tapBytes;
        for (let at = 0; at < bytes; at += 16) v128.store(to + at, pad);
        to += bytes;
      } else if (adjoining && inputX >= 0 && inputX + kernelWidth <= width) {
        copyOver(to, line + inputX * stride, kernelWidth * tapBytes);
        to += kernelWidth * tapBytes;
      } else {
        for (let kx = 0; kx < kernelWidth; kx++) {
          const tapX = inputX + kx * dilationX;
          if (<u32>tapX < <u32>width) copyOver(to, line + tapX * stride, tapBytes);
          else for (let at = 0; at < tapBytes; at += 16) v128.store(to + at, pad);
          to += tapBytes;
        }
      }
    }
    if (++x == op.outputWidth) {
      x = 0;
      y++;
    }
  }
}
