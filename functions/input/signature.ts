import { asciiOf } from '../bytes.ts';

/** So many first bytes tell what a file is. */
export const SIGNATURE_BYTES = 12;

/** Whether a file is a picture of a format that may be read here, by its first bytes and not by what is said of it. */
export function isPicture(bytes: Uint8Array): boolean {
  const start = asciiOf(bytes, 0, 4);
  const png = asciiOf(bytes, 0, 8) === '\x89PNG\r\n\x1a\n';
  const jpeg = start.startsWith('\xff\xd8\xff');
  const webp = start === 'RIFF' && asciiOf(bytes, 8, 12) === 'WEBP';
  // AVIF or HEIC, or at least of their family.
  const heif = asciiOf(bytes, 4, 8) === 'ftyp';
  return png || jpeg || webp || heif || start === 'GIF8';
}
