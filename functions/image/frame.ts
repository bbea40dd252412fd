import type { ModelInput } from '../catalogue/manifest.ts';
import { garmentBox, SIDE } from './fashion.ts';
import type { Size, Window } from './resize.ts';
import type { Raster } from './rows.ts';

/** Where in the upright picture the model's input lies. */
export interface Frame {
  /** The upright picture. */
  readonly picture: Size;
  /** What the model sees of it, in its pixels; it reaches beyond the picture where a background is added. */
  readonly seen: Window;
}

/** What `preprocessRaster` cuts out of the picture, in the picture's own coordinates. */
export function frameOf(raster: Raster, input: ModelInput): Frame {
  const { width, height } = raster;
  const { resize: how } = input;
  if (how.rule === 'fashion') return { picture: { width, height }, seen: aroundGarment(raster) };
  const size = resizedSize(raster, how);
  const window = centre(size, input);
  const [acrossBy, downBy] = [width / size.width, height / size.height];
  const seen = {
    left: window.left * acrossBy,
    top: window.top * downBy,
    width: window.width * acrossBy,
    height: window.height * downBy,
  };
  return { picture: { width, height }, seen };
}

/** The square that becomes 28x28: the garment's longer side, with background on both sides of the shorter. */
function aroundGarment(raster: Raster): Window {
  const box = garmentBox(raster);
  const side = Math.max(box.width, box.height);
  const pixel = side / SIDE;
  // As many whole pixels of the small picture as are put before the garment there.
  const before = (length: number) => Math.floor((SIDE - Math.max(1, Math.round(length / pixel))) / 2) * pixel;
  return { left: box.left - before(box.width), top: box.top - before(box.height), width: side, height: side };
}

/** To what a picture is resized before the input is cut out. */
export const resizedSize = (picture: Size, how: Exclude<ModelInput['resize'], { rule: 'fashion' }>): Size =>
  how.rule === 'stretch' ? how : shorterSideTo(how.size, picture);

/** torchvision's `Resize(size)`: the longer side is cut to a whole number, not rounded. */
function shorterSideTo(size: number, { width, height }: Size): Size {
  const shorter = Math.min(width, height);
  return { width: Math.trunc((size * width) / shorter), height: Math.trunc((size * height) / shorter) };
}

/** torchvision's `CenterCrop`: Python's `round`, which takes halves to the even side. */
export function centre(size: Size, { width, height }: Size): Window {
  if (size.width < width || size.height < height) {
    throw new RangeError(`a model's input of ${width}x${height} cannot be cut from ${size.width}x${size.height}`);
  }
  return { left: halfToEven(size.width - width), top: halfToEven(size.height - height), width, height };
}

function halfToEven(twice: number): number {
  const half = Math.floor(twice / 2);
  return twice % 2 === 1 && half % 2 === 1 ? half + 1 : half;
}
