import { type OpOf, OVERREAD_BYTES } from './program.ts';
import { winogradScratchBytes } from './winograd.ts';

/**
 * How weights lie in memory, as index functions: the compiler packs by them, the reference reads by them, and the
 * kernels walk through them in order. Padding (channels up to 8, K up to its multiple) holds zeros.
 */

export const roundUp = (n: number, multiple: number): number => Math.ceil(n / multiple) * multiple;

/** float32 or 1-byte values one an output channel: scale, bias, slope. */
export const perChannelCount = (channels: number): number => roundUp(channels, 8);

export type ConvShape = Pick<
  OpOf<'conv'>,
  'kernelHeight' | 'kernelWidth' | 'inputChannels' | 'outputChannels' | 'groups'
>;

/** Bytes of one tap of one output pixel in the panel: the channels of a group, rounded up to 4. */
export const convTapBytes = (op: ConvShape): number => roundUp(op.inputChannels / op.groups, 4);

/** Length of a dot product, and the bytes of one row of the panel. */
export const convK = (op: ConvShape): number => roundUp(op.kernelHeight * op.kernelWidth * convTapBytes(op), 16);

/** int8 [groups][N/8][K/4][8][4]: an aligned vector of 16 bytes is 4 output channels by 4 steps of K. */
export const convWeightsBytes = (op: ConvShape): number =>
  op.groups * roundUp(op.outputChannels / op.groups, 8) * convK(op);

/** @param n output channel within the group; @param tap ky · kernelWidth + kx; @param c input channel within the group */
export function convWeightIndex(op: ConvShape, group: number, n: number, tap: number, c: number): number {
  const k = tap * convTapBytes(op) + c;
  const panel = convK(op) * 8;
  const panels = Math.ceil(op.outputChannels / op.groups / 8);
  return (group * panels + (n >> 3)) * panel + (k >> 2) * 32 + (n & 7) * 4 + (k & 3);
}

/**
 * Whether form w4 is exact for one output channel. The kernel adds the pair products of four steps, 16 bytes of K, in
 * 16 bits: lane j sums bytes 2j and 2j + 1 of each quad of K, so 127 times its positive (and negative) weights must fit.
 * @param row the K weights of the channel in the order of the panel (`convWeightIndex` without the interleaving)
 */
export function fitsW4(row: Int8Array): boolean {
  for (let block = 0; block < row.length; block += 16) {
    for (const pair of [0, 2]) {
      let positive = 0;
      let negative = 0;
      for (let step = 0; step < 16; step += 4) {
        for (const lane of [0, 1]) {
          const w = row[block + step + pair + lane] ?? 0;
          if (w > 0) positive += w;
          else negative -= w;
        }
      }
      if (127 * positive > 32_767 || 127 * negative > 32_768) return false;
    }
  }
  return true;
}

export type ConvGeometry = Omit<ConvShape, 'inputChannels' | 'outputChannels' | 'groups'> &
  Pick<
    OpOf<'conv'>,
    'inputHeight' | 'inputWidth' | 'outputHeight' | 'outputWidth' | 'strideY' | 'strideX' | 'padTop' | 'padLeft'
  >;

/** A 1x1 convolution with stride 1 and no padding: pixels of the tensor are the rows of the product, no panel needed. */
export const readsTensorAsRows = (op: ConvGeometry): boolean =>
  op.kernelHeight === 1 &&
  op.kernelWidth === 1 &&
  op.strideY === 1 &&
  op.strideX === 1 &&
  op.padTop === 0 &&
  op.padLeft === 0 &&
  op.outputHeight === op.inputHeight &&
  op.outputWidth === op.inputWidth;

/** Panels are blocks of this many pixels at least, or all pixels where there are fewer. */
export const PANEL_PIXELS = 4;
/** A panel of about this size stays in the second-level cache beside the weights of 8 channels. */
const PANEL_TARGET_BYTES = 192 * 1024;

const panelPixels = (pixels: number, rowBytes: number): number =>
  Math.min(pixels, Math.max(PANEL_PIXELS, Math.floor(PANEL_TARGET_BYTES / rowBytes / PANEL_PIXELS) * PANEL_PIXELS));

/** The scratch that a `conv` should be given; the least of forms 0 and 1 is `OVERREAD_BYTES` + K · min(4, pixels). */
export function convScratchBytes(op: OpOf<'conv'>): number {
  if (op.form === 2) return winogradScratchBytes(op);
  if (readsTensorAsRows(op)) return 0;
  const k = convK(op);
  return panelPixels(op.outputHeight * op.outputWidth, k) * k + OVERREAD_BYTES;
}

export type ConvFirstShape = Pick<
  OpOf<'conv-first'>,
  'kernelHeight' | 'kernelWidth' | 'inputChannels' | 'outputChannels'
>;

export const convFirstK = (op: ConvFirstShape): number =>
  roundUp(op.kernelHeight * op.kernelWidth * op.inputChannels, 2);

/** int8 [N/8][K/2][8][2]. */
export const convFirstWeightsBytes = (op: ConvFirstShape): number => roundUp(op.outputChannels, 8) * convFirstK(op);

export function convFirstWeightIndex(op: ConvFirstShape, n: number, tap: number, c: number): number {
  const k = tap * op.inputChannels + c;
  return (n >> 3) * convFirstK(op) * 8 + (k >> 1) * 16 + (n & 7) * 2 + (k & 1);
}

/** The scratch that a `conv-first` should be given; the least is `OVERREAD_BYTES` + 2 · K · min(4, pixels). */
export function convFirstScratchBytes(op: OpOf<'conv-first'>): number {
  const row = convFirstK(op) * 2;
  return panelPixels(op.outputHeight * op.outputWidth, row) * row + OVERREAD_BYTES;
}

export type DepthwiseShape = Pick<OpOf<'depthwise'>, 'kernelHeight' | 'kernelWidth' | 'inputChannels'>;

/** int8 [taps][channels rounded up to 8]. */
export const depthwiseWeightsBytes = (op: DepthwiseShape): number =>
  op.kernelHeight * op.kernelWidth * roundUp(op.inputChannels, 8);

export const depthwiseWeightIndex = (op: DepthwiseShape, tap: number, c: number): number =>
  tap * roundUp(op.inputChannels, 8) + c;

export type DenseInt4Shape = Pick<OpOf<'dense-int4'>, 'inputChannels' | 'outputChannels'>;

/** Inputs that share a scale. */
export const INT4_GROUP = 32;

/**
 * 4-bit weights [N/8][K/32][4][8][4] bytes: a byte holds w + 8 (1…15, 0 never) of two steps of K, four apart, so that
 * a vector of 16 bytes unpacks into two vectors as form w reads them: 4 output channels by 4 steps of K. Padding is 8.
 */
export const denseInt4WeightsBytes = (op: DenseInt4Shape): number =>
  (roundUp(op.outputChannels, 8) * roundUp(op.inputChannels, INT4_GROUP)) / 2;

/** The byte of weight (output n, input k), and the bits to shift it right by: 0 or 4. */
export function denseInt4WeightIndex(op: DenseInt4Shape, n: number, k: number): { byte: number; shift: 0 | 4 } {
  const groups = Math.ceil(op.inputChannels / INT4_GROUP);
  const block = ((n >> 3) * groups + Math.floor(k / INT4_GROUP)) * 128;
  const inGroup = k % INT4_GROUP;
  return { byte: block + (inGroup >> 3) * 32 + (n & 7) * 4 + (k & 3), shift: inGroup & 4 ? 4 : 0 };
}

/** Float16 scales [N/8][K/32][8], never negative, in bytes. */
export const denseInt4ScalesBytes = (op: DenseInt4Shape): number =>
  2 * roundUp(op.outputChannels, 8) * Math.ceil(op.inputChannels / INT4_GROUP);

/** Index in float16 values, not bytes. */
export const denseInt4ScaleIndex = (op: DenseInt4Shape, n: number, group: number): number =>
  ((n >> 3) * Math.ceil(op.inputChannels / INT4_GROUP) + group) * 8 + (n & 7);
