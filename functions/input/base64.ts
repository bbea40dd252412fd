import { ServiceError } from '../errors.ts';
import { tooLarge } from './body.ts';

/**
 * Bytes of standard base64, a `data:` URL's prefix allowed. Its length is bounded before anything is decoded.
 * @throws ServiceError `bad-base64`, or `body-too-large` above `maxBytes` decoded bytes.
 */
export function decodeBase64(text: string, maxBytes: number): Uint8Array<ArrayBuffer> {
  const data = text.startsWith('data:') ? text.slice(text.indexOf(',') + 1) : text;
  if (data.length > Math.ceil(maxBytes / 3) * 4) {
    throw tooLarge('picture in base64', maxBytes);
  }
  if (/[-_]/.test(data)) throw badBase64('it is of the URL-safe kind');
  if (data.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(data))
    throw badBase64('it is cut short or has other characters');
  const binary = atob(data);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

function badBase64(why: string): ServiceError {
  return new ServiceError(
    'bad-base64',
    `The image is no standard base64: ${why}.`,
    'Use the alphabet A–Z a–z 0–9 + / with = padding and no line breaks, or send the bytes themselves as the body.',
  );
}
