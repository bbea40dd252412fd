import { asciiOf } from '../bytes.ts';
import { type AvifHeader, readAvifHeader } from './avif/header.ts';
import { damaged, tooLarge, unsupported } from './errors.ts';
import { type GifHeader, readGifHeader } from './gif/decode.ts';
import { type JpegHeader, readJpegHeader } from './jpeg/markers.ts';
import { type PngHeader, readPngHeader } from './png/chunks.ts';
import { readWebpHeader, type WebpHeader } from './webp/container.ts';

export type Header = PngHeader | JpegHeader | WebpHeader | AvifHeader | GifHeader;

/** Longest file that is looked at. */
export const MAX_FILE_BYTES = 10_000_000;
/** Of a picture that is decoded without being reduced: a bound on the work that a few bytes can ask for. */
export const MAX_PIXELS = 2 ** 26;

/**
 * Format and size from the first bytes, by what they are and not by what was said of them; refuses, before
 * anything is decoded, what is not read or too large.
 * @throws ServiceError
 */
export function readHeader(bytes: Uint8Array): Header {
  if (bytes.length > MAX_FILE_BYTES) {
    throw tooLarge(`The picture has ${bytes.length} bytes; ${MAX_FILE_BYTES} are the most.`, 'Send a smaller picture.');
  }
  const header = formatHeader(bytes);
  const { width, height } = header;
  if (width === 0 || height === 0) throw damaged(`The picture says that it is ${width}x${height}.`);
  if (header.format !== 'jpeg' && width * height > MAX_PIXELS) {
    throw tooLarge(
      `The picture is ${width}x${height}; ${MAX_PIXELS} pixels (as 8192x8192) are the most.`,
      'Scale it down: models look at a few hundred pixels a side.',
    );
  }
  return header;
}

function formatHeader(bytes: Uint8Array): Header {
  const start = asciiOf(bytes, 0, 4);
  if (asciiOf(bytes, 0, 8) === '\x89PNG\r\n\x1a\n') return readPngHeader(bytes);
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return readJpegHeader(bytes);
  if (start === 'GIF8') return readGifHeader(bytes);
  if (start === 'RIFF' && asciiOf(bytes, 8, 12) === 'WEBP') return readWebpHeader(bytes);
  if (/avi[fs]/.test(brandsOf(bytes))) return readAvifHeader(bytes);
  throw unsupported(...otherFormat(bytes));
}

/** Those of the ISO base media format. */
const brandsOf = (bytes: Uint8Array) => (asciiOf(bytes, 4, 8) === 'ftyp' ? asciiOf(bytes, 8, 32) : '');

export const isHeic = (bytes: Uint8Array): boolean =>
  /hei[cxms]|hev[cx]|mif1|msf1/.test(brandsOf(bytes)) && !/avi[fs]/.test(brandsOf(bytes));

function otherFormat(bytes: Uint8Array): [what: string, todo?: string] {
  const start = asciiOf(bytes, 0, 4);
  if (start === 'II*\0' || start === 'MM\0*') return ['The picture is a TIFF.'];
  if (start.startsWith('BM')) return ['The picture is a BMP.'];
  if (isHeic(bytes)) {
    return [
      'The picture is a HEIC.',
      'Send a JPEG: iPhones take them with Settings, Camera, Formats, Most Compatible, and share pictures as such.',
    ];
  }
  if (start.trimStart().startsWith('<')) return ['The body is text (SVG, HTML or XML), not a picture.'];
  return ['The bytes are no picture of a known format.'];
}
