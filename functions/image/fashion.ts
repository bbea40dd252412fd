import { resize, type Window } from './resize.ts';
import { luma, type Raster } from './rows.ts';

/** Pixels a side of the data set's pictures. */
export const SIDE = 28;
/** Closeness to the background: 5 % of the largest distance in RGB, squared. */
const CLOSE = 0.05 ** 2 * 3 * 255 ** 2;

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/**
 * A picture as the models of Fashion-MNIST know it: 28x28, grey, garment light on dark.
 *
 * A 28x28 picture without colour is taken for one of the data set and passes through untouched, whatever its
 * background (a bag may fill all corners). All else, 28x28 in colour too, is taken for a photo and prepared as the
 * data set was (Xiao, Rasul, Vollgraf 2017, section 2): edges close to the background are trimmed, the longest side
 * is scaled to 28, the shortest is filled up with background, the whole negated and made grey. Three things differ:
 * scaling averages areas in place of skipping rows, nothing is sharpened, and a background that is already dark is
 * not negated.
 */
export function fashion(raster: Raster): Raster {
  if (isSmallGrey(raster)) return toGrey(raster);
  const background = backgroundOf(raster);
  const garment = crop(toGrey(raster), trim(raster, background));
  const longest = Math.max(garment.width, garment.height);
  const width = Math.max(1, Math.round((garment.width * SIDE) / longest));
  const height = Math.max(1, Math.round((garment.height * SIDE) / longest));
  const small = resize(garment, { width, height }, longest < SIDE ? 'bilinear' : 'area', {
    left: 0,
    top: 0,
    width,
    height,
  });

  const [red, green, blue] = background;
  const shade = luma(red, green, blue);
  const data = new Uint8Array(SIDE * SIDE).fill(shade);
  const start = Math.floor((SIDE - height) / 2) * SIDE + Math.floor((SIDE - width) / 2);
  for (let y = 0; y < height; y++) data.set(small.data.subarray(y * width, (y + 1) * width), start + y * SIDE);
  if (shade > 127) for (let i = 0; i < data.length; i++) data[i] = 255 - (data[i] as number);
  return { width: SIDE, height: SIDE, channels: 1, data };
}

/** What of the picture is scaled to 28x28: the garment, or a picture of the data set as a whole. */
export function garmentBox(raster: Raster): Window {
  if (isSmallGrey(raster)) return { left: 0, top: 0, width: SIDE, height: SIDE };
  const { left, top, right, bottom } = trim(raster, backgroundOf(raster));
  return { left, top, width: right - left, height: bottom - top };
}

const isSmallGrey = (raster: Raster): boolean => raster.width === SIDE && raster.height === SIDE && colourless(raster);

/** Luma of each pixel; grey rasters are returned as they are. */
export function toGrey(raster: Raster): Raster {
  if (raster.channels === 1) return raster;
  const { width, height, data: rgb } = raster;
  const data = new Uint8Array(width * height);
  for (let i = 0, p = 0; i < data.length; i++, p += 3) {
    data[i] = luma(rgb[p] as number, rgb[p + 1] as number, rgb[p + 2] as number);
  }
  return { width, height, channels: 1, data };
}

function colourless({ channels, data }: Raster): boolean {
  if (channels === 1) return true;
  for (let p = 0; p < data.length; p += 3) if (data[p] !== data[p + 1] || data[p] !== data[p + 2]) return false;
  return true;
}

type Colour = readonly [red: number, green: number, blue: number];

function colourAt({ width, channels, data }: Raster, x: number, y: number): Colour {
  const at = (y * width + x) * channels;
  const grey = channels === 1;
  return [data[at] as number, data[grey ? at : at + 1] as number, data[grey ? at : at + 2] as number];
}

const distance = (a: Colour, b: Colour) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;

/** The corner that is nearest to the other three, so that a garment may reach into one. */
function backgroundOf(raster: Raster): Colour {
  const right = raster.width - 1;
  const bottom = raster.height - 1;
  const corners = [
    colourAt(raster, 0, 0),
    colourAt(raster, right, 0),
    colourAt(raster, 0, bottom),
    colourAt(raster, right, bottom),
  ];
  const apart = (corner: Colour) => corners.reduce((sum, other) => sum + Math.sqrt(distance(corner, other)), 0);
  return corners.reduce((best, corner) => (apart(corner) < apart(best) ? corner : best));
}

/** The smallest box with everything that is not background; the whole picture where nothing else is there. */
function trim(raster: Raster, background: Colour): Box {
  const { width, height } = raster;
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (distance(colourAt(raster, x, y), background) <= CLOSE) continue;
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
      top = Math.min(top, y);
      bottom = y + 1;
    }
  }
  return right > left ? { left, top, right, bottom } : { left: 0, top: 0, right: width, bottom: height };
}

function crop(grey: Raster, { left, top, right, bottom }: Box): Raster {
  const width = right - left;
  const height = bottom - top;
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const from = (top + y) * grey.width + left;
    data.set(grey.data.subarray(from, from + width), y * width);
  }
  return { width, height, channels: 1, data };
}
