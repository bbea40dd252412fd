import { fromBase64, parseSigningSecret, toBase64 } from './sign.ts';

/** Secrets as they lie in D1: base64 of a 12-byte nonce and AES-256-GCM of the text with its 16-byte tag. */

/** Where a secret of an owner stands. */
export const placeOfSecret = (id: string, owner: string): readonly string[] => ['webhook_secrets', id, owner];
/** Where the secrets of a source stand. */
export const placeOfSource = (name: string, owner: string): readonly string[] => ['hook_sources', name, owner];

const NONCE_BYTES = 12;
const INFO = new Uint8Array(new TextEncoder().encode('edge-classifier webhook secrets, version 1'));

/**
 * @param place where it stands, such as its table, id and owner: it opens nowhere else
 * @param worker WEBHOOK_SECRET
 */
export async function seal(text: string, place: readonly string[], worker: string): Promise<string> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const sealed = await crypto.subtle.encrypt(algorithm(nonce, place), await keyOf(worker), encoded(text));
  return toBase64(new Uint8Array([...nonce, ...new Uint8Array(sealed)]));
}

/** @throws Error where it was sealed with another WEBHOOK_SECRET, or for another place */
export async function unseal(sealed: string, place: readonly string[], worker: string): Promise<string> {
  const bytes = fromBase64(sealed);
  const key = await keyOf(worker);
  try {
    const nonce = bytes.slice(0, NONCE_BYTES);
    const opened = await crypto.subtle.decrypt(algorithm(nonce, place), key, bytes.slice(NONCE_BYTES));
    return new TextDecoder().decode(opened);
  } catch (cause) {
    throw new Error(`the secret of ${place.join(' ')} was stored with another WEBHOOK_SECRET`, { cause });
  }
}

/** As JSON, so that no two places read alike. */
const algorithm = (iv: Uint8Array<ArrayBuffer>, place: readonly string[]) => ({
  name: 'AES-GCM',
  iv,
  additionalData: encoded(JSON.stringify(place)),
});

/** HKDF (RFC 5869): the secret itself signs, so that another key encrypts. */
async function keyOf(worker: string): Promise<CryptoKey> {
  const secret = parseSigningSecret(worker);
  if (secret.kind !== 'hmac') throw new Error('WEBHOOK_SECRET begins with whsec_');
  const material = await crypto.subtle.importKey('raw', secret.key, 'HKDF', false, ['deriveKey']);
  const derivation = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: INFO };
  return crypto.subtle.deriveKey(derivation, material, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
}

const encoded = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(new TextEncoder().encode(text));
