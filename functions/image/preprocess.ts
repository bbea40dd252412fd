import type { ModelInput } from '../catalogue/manifest.ts';
import type { MemoryBudget } from '../memory-budget.ts';
import { fitsAtAll } from './errors.ts';
import { fashion, toGrey } from './fashion.ts';
import { centre, type Frame, frameOf, shorterSideTo } from './frame.ts';
import { type Header, readHeader } from './header.ts';
import { tensor } from './input-rows.ts';
import { JpegDecoder, WAIT_MS } from './jpeg/decode.ts';
import { decodePng, pngBytes } from './png/decode.ts';
import { resize } from './resize.ts';
import type { Raster } from './rows.ts';
import { tapsBytes } from './taps.ts';

/** Compiled decoders. */
export interface Codecs {
  readonly jpeg: WebAssembly.Module;
}

const jpegDecoders = new WeakMap<MemoryBudget, JpegDecoder>();

/**
 * An encoded picture as the model's input. Memory is reserved, by what the header says, before anything is decoded.
 * @returns uint8 `[height, width, channels]` in the tensor's channel order, not normalised
 * @throws ServiceError `image-unsupported`, `image-damaged`, `image-too-large` or `busy`
 */
export function preprocess(
  bytes: Uint8Array,
  input: ModelInput,
  codecs: Codecs,
  budget: MemoryBudget,
): Promise<Uint8Array> {
  return decoded(bytes, input, codecs, budget, (raster) => preprocessRaster(raster, input));
}

/** The same, and where in the picture it was cut out. */
export function preprocessFramed(
  bytes: Uint8Array,
  input: ModelInput,
  codecs: Codecs,
  budget: MemoryBudget,
): Promise<{ pixels: Uint8Array; frame: Frame }> {
  return decoded(bytes, input, codecs, budget, (raster) => ({
    frame: frameOf(raster, input),
    pixels: preprocessRaster(raster, input),
  }));
}

/** `use` gets the upright picture while its memory is held. */
async function decoded<T>(
  bytes: Uint8Array,
  input: ModelInput,
  codecs: Codecs,
  budget: MemoryBudget,
  use: (raster: Raster) => T,
): Promise<T> {
  const header = readHeader(bytes);
  const extraBytes = resizingBytes(header, input);
  if (header.format === 'jpeg') return jpegDecoder(codecs, budget).decode(bytes, header, extraBytes, use);
  const totalBytes = pngBytes(header, bytes.length) + extraBytes;
  fitsAtAll(totalBytes, budget);
  const release = await budget.reserve(totalBytes, { timeoutMs: WAIT_MS });
  try {
    return use(decodePng(bytes, header));
  } finally {
    release();
  }
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
  const size = how.rule === 'stretch' ? how : shorterSideTo(how.size, raster);
  return tensor(resize(source, size, how.filter, centre(size, input)), input);
}

/** Weights of both axes, sums of open rows and the result; of a photo of a garment, grey twice. */
function resizingBytes({ width, height }: Header, { resize: how, ...input }: ModelInput): number {
  if (how.rule === 'fashion') return 2 * width * height;
  const size = how.rule === 'stretch' ? how : shorterSideTo(how.size, { width, height });
  const grey = input.channels === 'grey' ? width * height : 0;
  if (how.filter === 'nearest') return grey + input.width * input.height * 3;
  const taps =
    tapsBytes(width, size.width, how.filter, input.width) + tapsBytes(height, size.height, how.filter, input.height);
  return grey + taps + input.width * input.height * 3 * 5;
}
