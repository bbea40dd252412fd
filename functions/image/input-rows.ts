import type { ModelInput } from '../catalogue/manifest.ts';
import type { Orientation } from './exif.ts';
import { fashion } from './fashion.ts';
import { centre, type Frame, frameOf, resizedSize } from './frame.ts';
import { Nearest, Resizer, type Size, type Window } from './resize.ts';
import { luma, type Raster, type RowSink } from './rows.ts';
import { tapsBytes } from './taps.ts';
import { upright } from './upright.ts';

/** A picture as its decoder hands it out, in the order in which it is stored. */
export interface Incoming extends Size {
  readonly channels: 1 | 3;
  readonly orientation: Orientation;
  /** The stored picture, where the rows are a reduction of it; pixels of the reduction cover it from the left and top. */
  readonly full?: Size;
  /** With `full`: what the whole picture measures in pixels of the reduction; the last ones may be partly beyond it. */
  readonly extent?: Size;
}

/** A model's input and where in the upright picture it was cut out. */
export interface Prepared {
  /** uint8 `[height, width, channels]` in the tensor's channel order, not normalised. */
  readonly pixels: Uint8Array;
  readonly frame: Frame;
}

const swapsAxes = (orientation: Orientation) => orientation >= 5;
const turned = ({ width, height }: Size, orientation: Orientation): Size =>
  swapsAxes(orientation) ? { width: height, height: width } : { width, height };

/** Pixels of the resized, stored picture; undefined where the rule looks at the picture itself. */
export function storedTarget(full: Size, orientation: Orientation, input: ModelInput): Size | undefined {
  const { resize: how } = input;
  if (how.rule === 'fashion') return undefined;
  return turned(uprightTarget(turned(full, orientation), input), orientation);
}

function uprightTarget(picture: Size, { resize: how, width, height }: ModelInput): Size {
  if (how.rule === 'fashion') return { width, height };
  return resizedSize(picture, how);
}

/** The upright picture's window in the stored one. */
function storedWindow(window: Window, stored: Size, orientation: Orientation): Window {
  const { left, top, width, height } = swapsAxes(orientation)
    ? { left: window.top, top: window.left, width: window.height, height: window.width }
    : window;
  return {
    left: [2, 3, 7, 8].includes(orientation) ? stored.width - left - width : left,
    top: [3, 4, 6, 7].includes(orientation) ? stored.height - top - height : top,
    width,
    height,
  };
}

/**
 * A model's input made of a picture's rows as they come. Rows are resized as they are stored, and the small result is
 * turned upright: filters are symmetric, so that this differs by rounding alone, and no picture need be held.
 */
export class InputRows implements RowSink {
  readonly #incoming: Incoming;
  readonly #input: ModelInput;
  readonly #sink: RowSink & { readonly result: Raster };
  /** A row in grey, where the model wants that of a picture in colour. */
  readonly #grey: Uint8Array | undefined;

  constructor(incoming: Incoming, input: ModelInput) {
    this.#incoming = incoming;
    this.#input = input;
    const { orientation, full = incoming } = incoming;
    const { resize: how } = input;
    if (how.rule === 'fashion') {
      this.#sink = new Whole(incoming);
      return;
    }
    if (input.channels === 'grey' && incoming.channels === 3) this.#grey = new Uint8Array(incoming.width);
    const source = { width: incoming.width, height: incoming.height, channels: this.#grey ? 1 : incoming.channels };
    const picture = uprightTarget(turned(full, orientation), input);
    const size = turned(picture, orientation);
    const window = storedWindow(centre(picture, input), size, orientation);
    this.#sink =
      how.filter === 'nearest'
        ? new Nearest(source, size, window)
        : new Resizer(source, size, how.filter, window, incoming.extent);
  }

  /** @param pixels uint8 `[width, channels]` of the next stored row */
  row(pixels: Uint8Array): void {
    const grey = this.#grey;
    if (!grey) {
      this.#sink.row(pixels);
      return;
    }
    for (let x = 0, p = 0; x < grey.length; x++, p += 3) {
      grey[x] = luma(pixels[p] as number, pixels[p + 1] as number, pixels[p + 2] as number);
    }
    this.#sink.row(grey);
  }

  /** After the last row. */
  finish(): Prepared {
    const { orientation, full = this.#incoming } = this.#incoming;
    const { result } = this.#sink;
    const small = orientation === 1 ? result : upright(result, result.channels, orientation);
    const picture = turned(full, orientation);
    if (this.#input.resize.rule !== 'fashion') {
      const frame = frameOf({ ...picture, channels: 1, data: new Uint8Array() }, this.#input);
      return { pixels: tensor(small, this.#input), frame };
    }
    const { seen } = frameOf(small, this.#input);
    const [across, down] = [picture.width / small.width, picture.height / small.height];
    const frame = {
      picture,
      seen: {
        left: seen.left * across,
        top: seen.top * down,
        width: seen.width * across,
        height: seen.height * down,
      },
    };
    return { pixels: tensor(fashion(small), this.#input), frame };
  }
}

/** Bytes that {@link InputRows} takes. */
export function inputRowsBytes({ width, height, channels, orientation, full }: Incoming, input: ModelInput): number {
  const { resize: how } = input;
  if (how.rule === 'fashion') return width * height * (channels * (orientation === 1 ? 1 : 2) + 2);
  const target = turned(uprightTarget(turned(full ?? { width, height }, orientation), input), orientation);
  const cut = turned(input, orientation);
  const result = input.width * input.height * 3;
  if (how.filter === 'nearest') return width + 3 * result + 4 * (cut.width + cut.height);
  const taps =
    tapsBytes(width, target.width, how.filter, cut.width) + tapsBytes(height, target.height, how.filter, cut.height);
  return width + taps + result * 7 + width * 3 * 5;
}

/** Keeps all rows. */
class Whole implements RowSink {
  readonly result: Raster;
  #y = 0;

  constructor({ width, height, channels }: Incoming) {
    this.result = { width, height, channels, data: new Uint8Array(width * height * channels) };
  }

  row(pixels: Uint8Array): void {
    this.result.data.set(pixels, this.#y++ * pixels.length);
  }
}

/** A resized picture in the model's channels. */
export function tensor({ channels, data }: Raster, input: ModelInput): Uint8Array {
  if (input.channels === 'grey') return data;
  if (channels === 1) {
    const grey = data;
    return Uint8Array.from({ length: grey.length * 3 }, (_, i) => grey[Math.floor(i / 3)] as number);
  }
  if (input.channels === 'rgb') return data;
  for (let p = 0; p < data.length; p += 3) {
    const red = data[p] as number;
    data[p] = data[p + 2] as number;
    data[p + 2] = red;
  }
  return data;
}
