import { asciiOf } from '../../bytes.ts';
import { damaged, unsupported } from '../errors.ts';
import { exifOrientation, type Orientation } from '../exif.ts';
import { crc32 } from './crc32.ts';

/** The IHDR chunk (PNG, section 11.2.1). */
export interface PngHeader {
  readonly format: 'png';
  readonly width: number;
  readonly height: number;
  readonly bitDepth: 1 | 2 | 4 | 8 | 16;
  readonly colourType: 0 | 2 | 3 | 4 | 6;
  readonly interlaced: boolean;
}

/** What a decoder needs of the other chunks. */
export interface PngChunks {
  /** RGB triples; empty where there is none. */
  readonly palette: Uint8Array;
  /** The tRNS chunk as it stands; empty where there is none. */
  readonly transparency: Uint8Array;
  readonly orientation: Orientation;
  /** The zlib stream, in pieces. */
  readonly compressed: readonly Uint8Array[];
}

interface Chunk {
  readonly type: string;
  readonly payload: Uint8Array;
  readonly intact: () => boolean;
  readonly end: number;
}

const FIRST_CHUNK = 8;
/** A file of the greatest length in pieces of 512 bytes; each chunk costs time, even an empty one. */
const MAX_CHUNKS = 20_000;
const DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};
/** Ancillary chunks of one length; with another the file is not what it says. */
const LENGTHS: ReadonlyMap<string, number> = new Map([
  ['cHRM', 32],
  ['gAMA', 4],
  ['pHYs', 9],
  ['sRGB', 1],
  ['tIME', 7],
]);

/** @throws ServiceError where the first chunk is no sound IHDR */
export function readPngHeader(bytes: Uint8Array): PngHeader {
  const { type, payload, intact } = chunkAt(bytes, FIRST_CHUNK);
  if (type === 'CgBI') throw unsupported("The picture is in Apple's own variant of PNG.", 'Save it as a plain PNG.');
  if (type !== 'IHDR' || payload.length !== 13 || !intact()) throw damaged('The PNG has no sound header.');
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const [bitDepth, colourType, compression, filter, interlace] = payload.subarray(8);
  if (!DEPTHS[colourType ?? -1]?.includes(bitDepth ?? -1)) {
    throw damaged(`The PNG says ${bitDepth} bits with colour type ${colourType}, which does not exist.`);
  }
  if (compression !== 0 || filter !== 0 || (interlace !== 0 && interlace !== 1)) {
    throw damaged('The PNG names a compression, filter or interlace method that does not exist.');
  }
  return {
    format: 'png',
    width: view.getUint32(0),
    height: view.getUint32(4),
    bitDepth: bitDepth as PngHeader['bitDepth'],
    colourType: colourType as PngHeader['colourType'],
    interlaced: interlace === 1,
  };
}

/** @throws ServiceError where a chunk that matters is missing, cut short or has a wrong checksum */
export function readPngChunks(bytes: Uint8Array, header: PngHeader): PngChunks {
  let palette: Uint8Array = new Uint8Array();
  let transparency: Uint8Array = new Uint8Array();
  let orientation: Orientation = 1;
  let animated = false;
  const pixels: Uint8Array[] = [];
  for (let at = FIRST_CHUNK, count = 1; ; count++) {
    if (count > MAX_CHUNKS) throw damaged(`The PNG has more than ${MAX_CHUNKS} chunks.`);
    const { type, payload, intact, end } = chunkAt(bytes, at);
    const critical = (type.charCodeAt(0) & 32) === 0;
    if (!intact()) throw damaged(`The ${type} chunk of the PNG has a wrong checksum.`);
    if (type === 'IEND') break;
    else if (type === 'IDAT') pixels.push(payload);
    else if (type === 'PLTE') palette = paletteOf(payload, pixels.length > 0);
    else if (type === 'tRNS') transparency = payload;
    else if (type === 'eXIf') orientation = exifOrientation(payload);
    else if (type === 'fcTL') animated = true;
    else if (type === 'fdAT' && !animated) throw damaged('The PNG has a frame of an animation without its header.');
    else if (critical && (type !== 'IHDR' || at !== FIRST_CHUNK))
      throw damaged(`The PNG has a misplaced or unknown chunk ${JSON.stringify(type)}.`);
    else if ((LENGTHS.get(type) ?? payload.length) !== payload.length)
      throw damaged(`The ${type} chunk of the PNG has a wrong length.`);
    at = end;
  }
  if (pixels.length === 0) throw damaged('The PNG has no pixels.');
  if (header.colourType === 3 && palette.length === 0) throw damaged('The PNG has no palette.');
  return { palette, transparency, orientation, compressed: pixels };
}

function chunkAt(bytes: Uint8Array, at: number): Chunk {
  const length = at + 12 <= bytes.length ? new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(0) : Infinity;
  const end = at + 12 + length;
  if (end > bytes.length) throw damaged('The PNG is cut short.');
  const payload = bytes.subarray(at + 8, end - 4);
  return {
    type: asciiOf(bytes, at + 4, at + 8),
    payload,
    intact: () =>
      crc32(bytes.subarray(at + 4, end - 4)) === new DataView(bytes.buffer, bytes.byteOffset + end - 4).getUint32(0),
    end,
  };
}

function paletteOf(payload: Uint8Array, late: boolean): Uint8Array {
  if (late || payload.length === 0 || payload.length % 3 !== 0 || payload.length > 768) {
    throw damaged('The palette of the PNG is misplaced or has a wrong length.');
  }
  return payload;
}
