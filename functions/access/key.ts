import { hexOf, sha256, utf8 } from '../bytes.ts';

/**
 * An API key: `ek_<id>_<secret>`. The id (48 random bits, hex) finds it and may be shown; the secret is 256 random bits
 * in base64url. What is kept is the SHA-256 of the whole text: a secret of that many bits needs no slow hash.
 */
const KEY = /^ek_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;

/** @returns the key, to be shown once, and what is kept of it */
export async function makeKey(): Promise<{ key: string; id: string; hash: string }> {
  const id = hexOf(crypto.getRandomValues(new Uint8Array(6)));
  const secret = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
  const key = `ek_${id}_${secret}`;
  return { key, id, hash: hexOf(await hashOfKey(key)) };
}

/** The id of what has the form of a key. */
export const idOfKey = (text: string): string | undefined => KEY.exec(text)?.[1];

/** SHA-256, 32 bytes. */
export const hashOfKey = (key: string): Promise<Uint8Array<ArrayBuffer>> => sha256(utf8(key));

/** How long an isolate trusts what it read of a key: a revoked one ends everywhere within this time. */
export const KEY_CACHE_SECONDS = 30;
