import { readsTensorAsRows } from '../../functions/runtime/int8/layout.ts';
import type { Op, OpOf } from '../../functions/runtime/int8/program.ts';

/**
 * Which code an op runs, in one grammar: `<file of assembly/>-<activation type><weight type>-<tile>c<K step>`; a tile
 * is rows (pixels) x output channels. `gemm-u7s8-4x8c16` multiplies four pixels by eight channels, 16 bytes of K a
 * step. Ops without weights have neither tile nor step.
 */
export function kernelName(op: Op): string {
  switch (op.kind) {
    case 'conv-first':
      return 'conv-first-u8s8-4x8c2';
    case 'conv':
      return convName(op);
    case 'depthwise':
      return op.kernelHeight === 3 && op.kernelWidth === 3 ? 'depthwise3x3-u7s8-1x8c2' : 'depthwise-u7s8-4x8c4';
    case 'depthwise-wide':
      return 'depthwise-wide-u8s8-4x8c1';
    case 'dense-int4':
      return 'dense-u7s4-1x8c32';
    default:
      return `${op.kind}-u7`;
  }
}

/** Forms w (K step 4), w4 (16), Winograd and w on 8 bits; `conv` gathers its rows, `gemm` reads them where they lie. */
function convName(op: OpOf<'conv'>): string {
  if (op.form === 2) return 'conv3x3-winograd-u7s8-4x8c2';
  const file = readsTensorAsRows(op) ? 'gemm' : 'conv';
  if (op.form === 3) return `${file}-u8s8-2x8c4`;
  if (op.outputHeight * op.outputWidth < 4) return `${file}-u7s8-1x8c8`;
  return op.form === 1 ? `${file}-u7s8-4x8c16` : `${file}-u7s8-4x8c4`;
}

/** Multiplications of an op as the network has them, padding left out. */
export function macsOf(op: Op): number {
  const pixels = op.outputHeight * op.outputWidth;
  switch (op.kind) {
    case 'conv-first':
      return pixels * op.outputChannels * op.kernelHeight * op.kernelWidth * op.inputChannels;
    case 'conv':
      return (pixels * op.outputChannels * op.kernelHeight * op.kernelWidth * op.inputChannels) / op.groups;
    case 'depthwise':
    case 'depthwise-wide':
      return pixels * op.outputChannels * op.kernelHeight * op.kernelWidth;
    case 'dense-int4':
      return op.inputChannels * op.outputChannels;
    default:
      return 0;
  }
}
