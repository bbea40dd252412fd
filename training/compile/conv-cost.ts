import {
  type ConvGeometry,
  type ConvShape,
  convK,
  readsTensorAsRows,
  roundUp,
} from '../../functions/runtime/int8/layout.ts';
import { winogradBlock, winogradTiles } from '../../functions/runtime/int8/winograd.ts';

/** 0: w, 1: w4, 2: Winograd, 3: w on 8 bits (`program.ts`). */
export type ConvForm = 0 | 1 | 2 | 3;

/**
 * Nanoseconds of what a convolution does, by its form: non-negative least squares over 523 measurements (the shapes of
 * ResNet-50, GoogLeNet and VGG16, and 3x3 from 3x3x16 to 28x28x128), Zen 3, V8 14.6. Half of them lie within 4 %. Of
 * 274 comparisons of Winograd with a direct form it gets 10 wrong, all but one where the two are near each other.
 */
const DIRECT = {
  w: { product: 0.0207, output: 0.52, gathered: 0.067 },
  w4: { product: 0.0149, output: 0.66, gathered: 0.067 },
  /** Not fitted: form w, its products by 58 / 41, what both reach in the first-level cache. */
  wide: { product: 0.0293, output: 0.52, gathered: 0.067 },
};
const WINOGRAD = { product: 0.0287, input: 5.13, weight: 2.23, output: 18.3 };

/** What a convolution is expected to take, in nanoseconds. */
export function convNanoseconds(op: ConvShape & ConvGeometry, form: ConvForm): number {
  const outputs = op.groups * roundUp(op.outputChannels / op.groups, 8);
  const pixels = op.outputHeight * op.outputWidth;
  if (form !== 2) {
    // Fewer pixels than a tile has rows are multiplied in form w.
    const { product, output, gathered } = form === 3 ? DIRECT.wide : form === 1 && pixels >= 4 ? DIRECT.w4 : DIRECT.w;
    const panel = readsTensorAsRows(op) ? 0 : pixels * op.groups * convK(op);
    return pixels * outputs * (convK(op) * product + output) + panel * gathered;
  }
  const tiles = winogradTiles(op);
  const inputs = roundUp(op.inputChannels, 8);
  return (
    36 * roundUp(tiles, 4) * inputs * outputs * WINOGRAD.product +
    tiles * inputs * WINOGRAD.input +
    Math.ceil(tiles / winogradBlock(op)) * inputs * outputs * WINOGRAD.weight +
    tiles * outputs * WINOGRAD.output
  );
}
