import type { ModelInput } from '../catalogue/manifest.ts';
import type { MemoryBudget } from '../memory-budget.ts';
import { fitsAtAll } from './errors.ts';
import { fashion, toGrey } from './fashion.ts';
import { centre, frameOf, resizedSize } from './frame.ts';
import { type Header, readHeader } from './header.ts';
import { InputRows, inputRowsBytes, type Prepared, storedTarget, tensor } from './input-rows.ts';
import { JpegDecoder, WAIT_MS } from './jpeg/decode.ts';
import type { JpegHeader } from './jpeg/markers.ts';
import { sideFor } from './jpeg/plan.ts';
import { decodePng, pngBytes } from './png/decode.ts';
import { resize, type Size } from './resize.ts';
import type { Raster } from './rows.ts';
import { tapsBytes } from './taps.ts';

/** Compiled decoders. */
export interface Codecs {
  readonly jpeg: WebAssembly.Module;
}

/** Of a photo's shorter side, where the model looks for a garment in it that it scales to 28 pixels. */
const GARMENT_PIXELS = 448;

const jpegDecoders = new WeakMap<MemoryBudget, JpegDecoder>();

/**
 * An encoded picture as the model's input. Memory is reserved, by what the header says, before anything is decoded.
 * @returns uint8 `[height, width, channels]` in the tensor's channel order, not normalised
 * @throws ServiceError `image-unsupported`, `image-damaged`, `image-too-large` or `busy`
 */
export async function preprocess(
  bytes: Uint8Array,
  input: ModelInput,
  codecs: Codecs,
  budget: MemoryBudget,
): Promise<Uint8Array> {
  return (await preprocessFramed(bytes, input, codecs, budget)).pixels;
}

/** The same, and where in the picture it was cut out. */
export async function preprocessFramed(
  bytes: Uint8Array,
  input: ModelInput,
  codecs: Codecs,
  budget: MemoryBudget,
): Promise<Prepared> {
  const header = readHeader(bytes);
  if (header.format === 'jpeg') return fromJpeg(bytes, header, input, jpegDecoder(codecs, budget));
  const totalBytes = pngBytes(header, bytes.length) + resizingBytes(header, input);
  fitsAtAll(totalBytes, budget);
  const release = await budget.reserve(totalBytes, { timeoutMs: WAIT_MS });
  try {
    const raster = decodePng(bytes, header);
    return { frame: frameOf(raster, input), pixels: preprocessRaster(raster, input) };
  } finally {
    release();
  }
}

/** Reduced while it is decoded, by as much as the model's input allows. */
function fromJpeg(bytes: Uint8Array, header: JpegHeader, input: ModelInput, decoder: JpegDecoder): Promise<Prepared> {
  const { width, height, channels, orientation } = header;
  const side =
    input.resize.rule !== 'fashion' && input.resize.filter === 'nearest' ? 8 : sideFor(header, atLeast(header, input));
  const incoming = {
    width: Math.ceil((width * side) / 8),
    height: Math.ceil((height * side) / 8),
    channels,
    orientation,
    ...(side < 8 && {
      full: { width, height },
      extent: { width: (width * side) / 8, height: (height * side) / 8 },
    }),
  };
  return decoder.decode(bytes, header, side, inputRowsBytes(incoming, input), (fill) => {
    const rows = new InputRows(incoming, input);
    fill(rows);
    return rows.finish();
  });
}

function atLeast(header: JpegHeader, input: ModelInput): Size {
  return storedTarget(header, header.orientation, input) ?? { width: GARMENT_PIXELS, height: GARMENT_PIXELS };
}

/** One for each budget, which is one for each isolate. */
function jpegDecoder(codecs: Codecs, budget: MemoryBudget): JpegDecoder {
  let decoder = jpegDecoders.get(budget);
  if (!decoder) {
    decoder = new JpegDecoder(codecs.jpeg, budget);
    jpegDecoders.set(budget, decoder);
  }
  return decoder;
}

/** The same for a picture that is decoded and upright: a page's canvas, a data set's image. */
export function preprocessRaster(raster: Raster, input: ModelInput): Uint8Array {
  const { resize: how } = input;
  if (how.rule === 'fashion') return tensor(fashion(raster), input);
  const source = input.channels === 'grey' ? toGrey(raster) : raster;
  const size = resizedSize(raster, how);
  return tensor(resize(source, size, how.filter, centre(size, input)), input);
}

/** Weights of both axes, sums of open rows and the result; of a photo of a garment, grey twice. */
function resizingBytes({ width, height }: Header, { resize: how, ...input }: ModelInput): number {
  if (how.rule === 'fashion') return 2 * width * height;
  const size = resizedSize({ width, height }, how);
  const grey = input.channels === 'grey' ? width * height : 0;
  if (how.filter === 'nearest') return grey + input.width * input.height * 3;
  const taps =
    tapsBytes(width, size.width, how.filter, input.width) + tapsBytes(height, size.height, how.filter, input.height);
  return grey + taps + input.width * input.height * 3 * 5;
}
