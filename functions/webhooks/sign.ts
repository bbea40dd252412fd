/**
 * Standard Webhooks (standard-webhooks.com): `whsec_` and base64 of 24 to 64 random bytes is an HMAC-SHA256 secret, its
 * signatures begin with `v1,`; `whsk_` and base64 of a 32-byte seed is an Ed25519 private key, its signatures begin
 * with `v1a,` and are verified with `whpk_` and base64 of the public key.
 */
export type SigningSecret =
  | { readonly kind: 'hmac'; readonly key: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'ed25519'; readonly seed: Uint8Array<ArrayBuffer> };

export const HMAC_PREFIX = 'whsec_';
export const PRIVATE_PREFIX = 'whsk_';
export const PUBLIC_PREFIX = 'whpk_';

const MIN_HMAC_BYTES = 24;
const MAX_HMAC_BYTES = 64;
const SEED_BYTES = 32;
/** DER of a private key of RFC 8410, up to its 32 bytes. */
const PKCS8_START = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20);

/** @throws Error that does not repeat the text */
export function parseSigningSecret(text: string): SigningSecret {
  if (text.startsWith(HMAC_PREFIX)) {
    const key = fromBase64(text.slice(HMAC_PREFIX.length));
    if (key.length >= MIN_HMAC_BYTES && key.length <= MAX_HMAC_BYTES) return { kind: 'hmac', key };
    throw new Error(`a ${HMAC_PREFIX} secret has ${MIN_HMAC_BYTES} to ${MAX_HMAC_BYTES} bytes, not ${key.length}`);
  }
  if (text.startsWith(PRIVATE_PREFIX)) {
    const seed = fromBase64(text.slice(PRIVATE_PREFIX.length));
    if (seed.length === SEED_BYTES) return { kind: 'ed25519', seed };
    throw new Error(`a ${PRIVATE_PREFIX} secret has ${SEED_BYTES} bytes, not ${seed.length}`);
  }
  throw new Error(`a signing secret begins with ${HMAC_PREFIX} or ${PRIVATE_PREFIX}`);
}

/** A new one, of 32 random bytes. */
export function makeSigningSecret(kind: SigningSecret['kind']): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SEED_BYTES));
  return (kind === 'hmac' ? HMAC_PREFIX : PRIVATE_PREFIX) + toBase64(bytes);
}

/** What receivers verify with: `whpk_…` of an Ed25519 key, the secret itself of an HMAC one. */
export async function verifierOf(secret: SigningSecret): Promise<string> {
  if (secret.kind === 'hmac') return HMAC_PREFIX + toBase64(secret.key);
  const { x } = (await crypto.subtle.exportKey('jwk', await privateKey(secret.seed, true))) as { x?: string };
  if (x === undefined) throw new Error('an Ed25519 key has no public half');
  return `${PUBLIC_PREFIX}${x.replaceAll('-', '+').replaceAll('_', '/')}=`;
}

/**
 * The three headers of one attempt to deliver `body`.
 * @param id the same at every attempt
 * @param timestampSeconds of this attempt
 * @throws Error where there is no secret: nobody could tell such a callback from a forged one
 */
export async function signedHeaders(
  secrets: readonly SigningSecret[],
  id: string,
  timestampSeconds: number,
  body: string,
): Promise<Headers> {
  if (secrets.length === 0) throw new Error('there is no secret to sign with');
  if (!/^[\w-]+$/.test(id)) throw new Error('an id has letters, digits, _ and - only: dots part what is signed');
  const signed = new Uint8Array(new TextEncoder().encode(`${id}.${timestampSeconds}.${body}`));
  const signatures = await Promise.all(secrets.map((secret) => signature(secret, signed)));
  return new Headers({
    'webhook-id': id,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': signatures.join(' '),
  });
}

async function signature(secret: SigningSecret, signed: Uint8Array<ArrayBuffer>): Promise<string> {
  if (secret.kind === 'ed25519') {
    return `v1a,${toBase64(await crypto.subtle.sign('Ed25519', await privateKey(secret.seed, false), signed))}`;
  }
  const key = await crypto.subtle.importKey('raw', secret.key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return `v1,${toBase64(await crypto.subtle.sign('HMAC', key, signed))}`;
}

const privateKey = (seed: Uint8Array<ArrayBuffer>, extractable: boolean): Promise<CryptoKey> =>
  crypto.subtle.importKey('pkcs8', new Uint8Array([...PKCS8_START, ...seed]), 'Ed25519', extractable, ['sign']);

/** Standard base64. @throws Error that does not repeat the text */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    throw new Error('a secret is not in standard base64');
  }
}

export const toBase64 = (bytes: ArrayBuffer | Uint8Array): string =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)));
