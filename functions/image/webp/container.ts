import { asciiOf } from '../../bytes.ts';
import { damaged } from '../errors.ts';
import { exifOrientation, type Orientation } from '../exif.ts';
import type { Placing } from '../placed.ts';

/** What a WebP's chunks say (RFC 9649, section 2). */
export interface WebpHeader {
  readonly format: 'webp';
  readonly width: number;
  readonly height: number;
  /** The first picture on the canvas. */
  readonly frame: Placing;
  readonly lossless: boolean;
  readonly alpha: boolean;
  readonly orientation: Orientation;
  /** A WebP of that picture alone. */
  readonly still: Uint8Array;
}

interface Chunk {
  readonly type: string;
  readonly payload: Uint8Array;
}

const uint16 = (bytes: Uint8Array, at: number) => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
const uint24 = (bytes: Uint8Array, at: number) => uint16(bytes, at) | ((bytes[at + 2] ?? 0) << 16);
const uint32 = (bytes: Uint8Array, at: number) => (uint24(bytes, at) | ((bytes[at + 3] ?? 0) << 24)) >>> 0;

const cut = () => damaged('The WebP is cut short.');

/** Chunks from `at` on, each on an even byte. */
function* chunksOf(bytes: Uint8Array, at: number): Generator<Chunk> {
  for (let from = at; from + 8 <= bytes.length; ) {
    const start = from + 8;
    const end = start + uint32(bytes, from + 4);
    if (end > bytes.length) throw cut();
    yield { type: asciiOf(bytes, from, from + 4), payload: bytes.subarray(start, end) };
    from = end + (end & 1);
  }
}

/**
 * Of an animation, the first frame. Its chunks are put in a file of their own, since the decoder reads none.
 * @throws ServiceError `image-damaged`
 */
export function readWebpHeader(file: Uint8Array): WebpHeader {
  const end = 8 + uint32(file, 4);
  if (file.length < 20 || end > file.length) throw cut();
  const bytes = file.subarray(0, end);
  const [first] = chunksOf(bytes, 12);
  if (!first) throw cut();
  if (first.type !== 'VP8X') {
    const picture = pictureOf(first);
    return { format: 'webp', ...picture, frame: { left: 0, top: 0, ...picture }, orientation: 1, still: bytes };
  }
  if (first.payload.length < 10) throw cut();
  const [flags = 0] = first.payload;
  const canvas = { width: uint24(first.payload, 4) + 1, height: uint24(first.payload, 7) + 1 };
  const orientation = flags & 8 ? orientationOf(bytes) : 1;
  if (flags & 2) return { format: 'webp', ...canvas, orientation, ...firstFrame(bytes) };
  const picture = imageIn(bytes, 12);
  const frame = { left: 0, top: 0, width: picture.width, height: picture.height };
  return { format: 'webp', ...picture, frame, orientation, still: bytes };
}

/** An ANMF chunk (section 2.7.1.1): offsets in pairs of pixels, sizes less one, a duration and flags; then the picture. */
function firstFrame(bytes: Uint8Array) {
  for (const { type, payload } of chunksOf(bytes, 12)) {
    if (type !== 'ANMF') continue;
    if (payload.length < 16) throw cut();
    const picture = imageIn(payload, 16);
    const frame = {
      left: uint24(payload, 0) * 2,
      top: uint24(payload, 3) * 2,
      width: picture.width,
      height: picture.height,
    };
    return { frame, lossless: picture.lossless, alpha: picture.alpha, still: stillOf(picture, payload.subarray(16)) };
  }
  throw damaged('The WebP has no frame.');
}

function imageIn(bytes: Uint8Array, at: number) {
  let alpha = false;
  for (const chunk of chunksOf(bytes, at)) {
    if (chunk.type === 'ALPH') alpha = true;
    if (chunk.type !== 'VP8 ' && chunk.type !== 'VP8L') continue;
    const picture = pictureOf(chunk);
    return { ...picture, alpha: alpha || picture.alpha };
  }
  throw damaged('The WebP has no picture.');
}

/** Size and kind from a bitstream's own header (sections 2.5 and 2.6; RFC 6386, section 9.1). */
function pictureOf({ type, payload }: Chunk) {
  if (type === 'VP8L' && payload.length >= 5 && payload[0] === 0x2f) {
    const bits = uint32(payload, 1);
    const alpha = ((bits >>> 28) & 1) === 1;
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1, lossless: true, alpha };
  }
  if (type === 'VP8 ' && payload.length >= 10 && uint24(payload, 3) === 0x2a019d) {
    return { width: uint16(payload, 6) & 0x3fff, height: uint16(payload, 8) & 0x3fff, lossless: false, alpha: false };
  }
  throw damaged('The WebP has no sound picture.');
}

function stillOf({ width, height, alpha, lossless }: ReturnType<typeof pictureOf>, chunks: Uint8Array): Uint8Array {
  const extended = alpha && !lossless ? 18 : 0;
  const still = new Uint8Array(12 + extended + chunks.length);
  const view = new DataView(still.buffer);
  const text = (at: number, value: string) => {
    for (let i = 0; i < value.length; i++) still[at + i] = value.charCodeAt(i);
  };
  text(0, 'RIFF');
  view.setUint32(4, still.length - 8, true);
  text(8, 'WEBP');
  if (extended > 0) {
    text(12, 'VP8X');
    view.setUint32(16, 10, true);
    view.setUint8(20, 16);
    // Two bytes, of three; the sides of a VP8 have 14 bits.
    view.setUint16(24, width - 1, true);
    view.setUint16(27, height - 1, true);
  }
  still.set(chunks, 12 + extended);
  return still;
}

/** Some begin as in a JPEG. */
function orientationOf(bytes: Uint8Array): Orientation {
  for (const { type, payload } of chunksOf(bytes, 12)) {
    if (type !== 'EXIF') continue;
    return exifOrientation(asciiOf(payload, 0, 6) === 'Exif\0\0' ? payload.subarray(6) : payload);
  }
  return 1;
}
