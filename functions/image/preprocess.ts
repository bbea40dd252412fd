import type { ModelInput } from '../catalogue/manifest.ts';
import type { MemoryBudget } from '../memory-budget.ts';
import { avifDecoder, avifPicture } from './avif/decode.ts';
import { fitsAtAll, unsupported } from './errors.ts';
import type { Orientation } from './exif.ts';
import { fashion, toGrey } from './fashion.ts';
import { centre, resizedSize } from './frame.ts';
import { decodeGif, gifBytes } from './gif/decode.ts';
import { type Header, isHeic, readHeader } from './header.ts';
import { type Incoming, InputRows, inputRowsBytes, type Prepared, storedTarget, tensor } from './input-rows.ts';
import { JpegDecoder } from './jpeg/decode.ts';
import type { JpegHeader } from './jpeg/markers.ts';
import { sideFor } from './jpeg/plan.ts';
import { WAIT_MS } from './kept-instance.ts';
import { Placed, type Placing } from './placed.ts';
import { readPngChunks } from './png/chunks.ts';
import { decodePng, pngBytes } from './png/decode.ts';
import { channelsOf } from './png/pixels.ts';
import { resize, type Size } from './resize.ts';
import type { Raster, RowSink } from './rows.ts';
import type { SquashDecoder, SquashPicture } from './squash.ts';
import { webpDecoder, webpPicture } from './webp/decode.ts';

/** Compiled decoders. */
export interface Codecs {
  readonly jpeg: WebAssembly.Module;
  /** Without one, pictures of its format are refused as unsupported. */
  readonly webp?: WebAssembly.Module;
  readonly avif?: WebAssembly.Module;
  /** A HEIC as a JPEG, where something can make one. */
  readonly fromHeic?: (bytes: Uint8Array) => Promise<Uint8Array>;
}

interface Decoders {
  readonly budget: MemoryBudget;
  readonly jpeg: JpegDecoder;
  readonly webp: SquashDecoder | undefined;
  readonly avif: SquashDecoder | undefined;
}

/** Of a photo's shorter side, where the model looks for a garment in it that it scales to 28 pixels. */
const GARMENT_PIXELS = 448;

const allDecoders = new WeakMap<MemoryBudget, Decoders>();

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
  const readable = codecs.fromHeic && isHeic(bytes) ? await codecs.fromHeic(bytes) : bytes;
  return fromPicture(readable, readHeader(readable), input, decoders(codecs, budget));
}

function fromPicture(bytes: Uint8Array, header: Header, input: ModelInput, decoders: Decoders): Promise<Prepared> {
  switch (header.format) {
    case 'jpeg':
      return fromJpeg(bytes, header, input, decoders.jpeg);
    case 'png': {
      const chunks = readPngChunks(bytes, header);
      const { width, height } = header;
      const incoming = { width, height, channels: channelsOf(header), orientation: chunks.orientation };
      return fromRows(incoming, input, pngBytes(header, chunks), decoders.budget, (sink) =>
        decodePng(header, chunks, sink),
      );
    }
    case 'gif':
      return fromRows(inColour(header, 1), input, gifBytes(header), decoders.budget, (sink) =>
        decodeGif(bytes, header, sink),
      );
    case 'webp':
      return fromSquash(inColour(header, header.orientation), input, decoders.webp, webpPicture(header), header.frame);
    case 'avif':
      return fromSquash(inColour(header, header.orientation), input, decoders.avif, avifPicture(header));
  }
}

const inColour = ({ width, height }: Size, orientation: Orientation): Incoming => ({
  width,
  height,
  channels: 3,
  orientation,
});

/** Decoded in JavaScript. */
async function fromRows(
  incoming: Incoming,
  input: ModelInput,
  decoderBytes: number,
  budget: MemoryBudget,
  fill: (sink: RowSink) => void,
): Promise<Prepared> {
  const bytes = decoderBytes + inputRowsBytes(incoming, input);
  fitsAtAll(bytes, budget);
  const release = await budget.reserve(bytes, { timeoutMs: WAIT_MS });
  try {
    const rows = new InputRows(incoming, input);
    fill(rows);
    return rows.finish();
  } finally {
    release();
  }
}

/** @param frame where on the canvas of `incoming` the picture lies, if it is not all of it */
function fromSquash(
  incoming: Incoming,
  input: ModelInput,
  decoder: SquashDecoder | undefined,
  picture: SquashPicture,
  frame: Placing = { left: 0, top: 0, width: picture.width, height: picture.height },
): Promise<Prepared> {
  if (!decoder) throw unsupported('Pictures of this format are not read here.', 'Send a JPEG or PNG.');
  return decoder.decode(picture, inputRowsBytes(incoming, input) + 3 * incoming.width, (fill) => {
    const rows = new InputRows(incoming, input);
    const placed = new Placed(rows, incoming, frame);
    fill(placed);
    placed.finish();
    return rows.finish();
  });
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

/** One of each for each budget, which is one for each isolate. */
function decoders(codecs: Codecs, budget: MemoryBudget): Decoders {
  let made = allDecoders.get(budget);
  if (!made) {
    made = {
      budget,
      jpeg: new JpegDecoder(codecs.jpeg, budget),
      webp: codecs.webp && webpDecoder(codecs.webp, budget),
      avif: codecs.avif && avifDecoder(codecs.avif, budget),
    };
    allDecoders.set(budget, made);
  }
  return made;
}

/** The same for a picture that is decoded and upright: a page's canvas, a data set's image. */
export function preprocessRaster(raster: Raster, input: ModelInput): Uint8Array {
  const { resize: how } = input;
  if (how.rule === 'fashion') return tensor(fashion(raster), input);
  const source = input.channels === 'grey' ? toGrey(raster) : raster;
  const size = resizedSize(raster, how);
  return tensor(resize(source, size, how.filter, centre(size, input)), input);
}
