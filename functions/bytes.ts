/** Bytes: put together, written in digits, hashed. */

import { sha256 as sha256Here } from '@noble/hashes/sha2.js';

type Bytes = Uint8Array<ArrayBuffer>;

/** One after the other, in new memory. */
export function joined(parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Two lower-case hexadecimal digits a byte. */
export function hexOf(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += DIGITS[byte];
  return text;
}

/** Bytes `from` to `to`, a character each; fewer where they end before. Spreading them would cost a microsecond. */
export function asciiOf(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let at = from; at < Math.min(to, bytes.length); at++) text += String.fromCharCode(bytes[at] as number);
  return text;
}

/** @param hex pairs of hexadecimal digits */
export const bytesOfHex = (hex: string): Bytes =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** The platform hashes faster, but in a thread of its own: to ask it takes as long as this many bytes take here. */
const SHORT_BYTES = 2_048;

export async function sha256(bytes: Bytes): Promise<Bytes> {
  if (bytes.length <= SHORT_BYTES) return sha256Here(bytes);
  // The platform hashes no memory that threads share.
  const own = bytes.buffer instanceof ArrayBuffer ? bytes : new Uint8Array(bytes);
  return new Uint8Array(await crypto.subtle.digest('SHA-256', own));
}

/** In hexadecimal digits. */
export const sha256Hex = async (bytes: Bytes): Promise<string> => hexOf(await sha256(bytes));

export const utf8 = (text: string): Bytes => new TextEncoder().encode(text) as Bytes;

/** Of its UTF-8. */
export const sha256OfText = (text: string): Promise<string> => sha256Hex(utf8(text));

/** The same of bytes that may be asked for several times, or not at all. */
export function sha256Once(bytes: Bytes): () => Promise<string> {
  let known: Promise<string> | undefined;
  return () => {
    known ??= sha256Hex(bytes);
    return known;
  };
}
