import { type OpOf, OVERREAD_BYTES } from './program.ts';

/**
 * Form 2 of `conv`: F(4x4, 3x3), exact in integers. The rows of G lose their denominators, so that transformed weights
 * (≤ 49 · 127) and activations (≤ 50 · 127) fit int16; A^T takes the factors (6 −4 −4 1 1 24) instead, and everything
 * after is right modulo 2^32. The result is 576 · sum: times 9⁻¹ modulo 2^32, then shifted right by 6. That is the sum
 * itself wherever 64 · sum fits 31 bits (`fitsWinograd`). Weights stay as they are packed for the other forms.
 */

/** Whether the op has the shape that form 2 is for. */
export const isWinogradShape = (op: OpOf<'conv'>): boolean =>
  op.kernelHeight === 3 &&
  op.kernelWidth === 3 &&
  op.strideY === 1 &&
  op.strideX === 1 &&
  op.dilationY === 1 &&
  op.dilationX === 1 &&
  op.groups === 1;

/** Whether form 2 is exact for one output channel, whatever the activations. @param row all its weights, in any order */
export function fitsWinograd(row: Int8Array): boolean {
  const positive = row.reduce((sum, w) => sum + Math.max(w, 0), 0);
  const negative = row.reduce((sum, w) => sum - Math.min(w, 0), 0);
  return 127 * Math.max(positive, negative) < 2 ** 25;
}

const TEMPORARY_BYTES = 768;
/** Transformed inputs of about this size are multiplied at a time. */
const INPUT_TARGET_BYTES = 1 << 19;

/** What the memory of form 2 depends on. */
export type WinogradShape = Pick<OpOf<'conv'>, 'inputChannels' | 'outputHeight' | 'outputWidth'>;

const paddedChannels = (op: WinogradShape): number => Math.ceil(op.inputChannels / 8) * 8;

/** Tiles of 4x4 output pixels. */
export const winogradTiles = (op: WinogradShape): number =>
  Math.ceil(op.outputHeight / 4) * Math.ceil(op.outputWidth / 4);

/** So many tiles, a multiple of 4, are multiplied at a time; for each such block the weights are transformed anew. */
export function winogradBlock(op: WinogradShape): number {
  const perTile = 36 * 2 * paddedChannels(op);
  const fitting = Math.max(4, Math.floor(INPUT_TARGET_BYTES / perTile / 4) * 4);
  return Math.min(Math.ceil(winogradTiles(op) / 4) * 4, fitting);
}

/** Scratch for `tiles` at a time, a multiple of 4: temporaries, products, weights and inputs of 36 points. */
export function winogradScratchBytesFor(op: WinogradShape, tiles: number): number {
  const channels = paddedChannels(op);
  const fixed = 36 * (channels * 16 + 64 + 128) + TEMPORARY_BYTES + OVERREAD_BYTES;
  return fixed + tiles * 36 * (channels * 2 + 32);
}

/** The scratch that a `conv` of form 2 should be given; the least is `winogradScratchBytesFor(op, 4)`. */
export const winogradScratchBytes = (op: WinogradShape): number => winogradScratchBytesFor(op, winogradBlock(op));
