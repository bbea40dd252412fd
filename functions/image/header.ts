import { damaged, tooLarge, unsupported } from './errors.ts';
import { type JpegHeader, readJpegHeader } from './jpeg/markers.ts';
import { type PngHeader, readPngHeader } from './png/chunks.ts';

export type Header = PngHeader | JpegHeader;

/** Longest file that is looked at. */
export const MAX_FILE_BYTES = 10_000_000;
/** 2048 x 2048, of any shape, where a picture is decoded whole: RGB is three bytes a pixel. */
export const MAX_PIXELS = 2 ** 22;

const ASCII = (bytes: Uint8Array, from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));

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
      `The picture is ${width}x${height}; ${MAX_PIXELS} pixels (as 2048x2048) are the most.`,
      'Scale it down: models look at a few hundred pixels a side.',
    );
  }
  return header;
}

function formatHeader(bytes: Uint8Array): Header {
  if (ASCII(bytes, 0, 8) === '\x89PNG\r\n\x1a\n') return readPngHeader(bytes);
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return readJpegHeader(bytes);
  throw unsupported(...otherFormat(bytes));
}

function otherFormat(bytes: Uint8Array): [what: string, todo?: string] {
  const start = ASCII(bytes, 0, 4);
  if (start === 'GIF8') return ['The picture is a GIF.'];
  if (start === 'RIFF' && ASCII(bytes, 8, 12) === 'WEBP') return ['The picture is a WebP.'];
  if (start === 'II*\0' || start === 'MM\0*') return ['The picture is a TIFF.'];
  if (start.startsWith('BM')) return ['The picture is a BMP.'];
  if (ASCII(bytes, 4, 8) === 'ftyp') {
    if (/avi[fs]/.test(ASCII(bytes, 8, 32))) return ['The picture is an AVIF.'];
    if (/hei[cxms]|hev[cx]|mif1|msf1/.test(ASCII(bytes, 8, 32))) {
      return [
        'The picture is a HEIC.',
        'Send a JPEG: iPhones take them with Settings, Camera, Formats, Most Compatible.',
      ];
    }
  }
  if (start.trimStart().startsWith('<')) return ['The body is text (SVG, HTML or XML), not a PNG or JPEG.'];
  return ['The bytes are no picture of a known format.'];
}
