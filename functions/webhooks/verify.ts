import { bytesOfHex, joined, sha256Hex } from '../bytes.ts';
import { ServiceError } from '../errors.ts';
import { fromBase64, HMAC_PREFIX, PUBLIC_PREFIX, parseSigningSecret } from './sign.ts';

/** How a sender signs: Standard Webhooks, GitHub's `X-Hub-Signature-256`, or Stripe's `t=…,v1=…`. */
export const SCHEMES = ['standard', 'github', 'stripe'] as const;
export type Scheme = (typeof SCHEMES)[number];

/** How far a sender's clock and ours may be apart, the way here included. */
const TOLERANCE_SECONDS = 300;
/** A header with more of them is made to keep us busy. */
const MAX_SIGNATURES = 16;
const MAX_ID_LENGTH = 128;
const PUBLIC_KEY_BYTES = 32;

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Verifies what was signed: the bytes of the body as they came, never what they were parsed to.
 * @param secrets those that are active; any of them may have signed
 * @param nowSeconds since 1970
 * @returns what tells this event from all others: the sender's id where it is signed too, else the SHA-256 of the body
 * @throws ServiceError `signature-refused`
 */
export async function verifiedId(
  scheme: Scheme,
  secrets: readonly string[],
  headers: Headers,
  body: Bytes,
  nowSeconds: number,
): Promise<string> {
  switch (scheme) {
    case 'standard':
      return standard(secrets, headers, body, nowSeconds);
    case 'github': {
      const [, hex = ''] = /^sha256=([0-9a-f]{64})$/.exec(header(headers, 'x-hub-signature-256')) ?? [];
      await anyHmac(secrets.map(utf8), [bytesOfHex(hex)], body);
      return sha256Hex(body);
    }
    case 'stripe': {
      const fields = header(headers, 'stripe-signature').split(',');
      const valuesOf = (name: string) =>
        fields.filter((field) => field.startsWith(`${name}=`)).map((field) => field.slice(name.length + 1));
      const timestamp = recent(valuesOf('t')[0] ?? '', nowSeconds);
      const signatures = valuesOf('v1').filter((hex) => /^[0-9a-f]{64}$/.test(hex));
      await anyHmac(secrets.map(utf8), signatures.map(bytesOfHex), joined([utf8(`${timestamp}.`), body]));
      return sha256Hex(body);
    }
    default:
      return scheme satisfies never;
  }
}

/** @throws Error where a scheme has no such secret */
export function checkedSecret(scheme: Scheme, secret: string): string {
  if (scheme === 'standard') {
    if (!secret.startsWith(PUBLIC_PREFIX)) parseSigningSecret(secret);
    else if (fromBase64(secret.slice(PUBLIC_PREFIX.length)).length !== PUBLIC_KEY_BYTES) {
      throw new Error(`a ${PUBLIC_PREFIX} key has ${PUBLIC_KEY_BYTES} bytes`);
    }
    if (!secret.startsWith(PUBLIC_PREFIX) && !secret.startsWith(HMAC_PREFIX)) {
      throw new Error(`a sender's secret begins with ${HMAC_PREFIX} or, for Ed25519, ${PUBLIC_PREFIX}`);
    }
  } else if (secret.length < 16) throw new Error('the secret has fewer than 16 characters');
  return secret;
}

async function standard(secrets: readonly string[], headers: Headers, body: Bytes, now: number): Promise<string> {
  const id = header(headers, 'webhook-id');
  // With dots, another cut of the same signed text would be another event.
  if (id.includes('.') || id.length > MAX_ID_LENGTH) throw refused('webhook-id has dots, or is too long');
  const timestamp = recent(header(headers, 'webhook-timestamp'), now);
  const signed = joined([utf8(`${id}.${timestamp}.`), body]);
  const given = header(headers, 'webhook-signature').split(' ').slice(0, MAX_SIGNATURES);
  const ofVersion = (version: string) =>
    given.flatMap((text) => (text.startsWith(`${version},`) ? (decoded(text.slice(version.length + 1)) ?? []) : []));
  const hmac = secrets.filter((secret) => secret.startsWith(HMAC_PREFIX));
  const ed25519 = secrets.filter((secret) => secret.startsWith(PUBLIC_PREFIX));
  const isRight =
    (await matches(hmac.map(base64Of), ofVersion('v1'), (key, signature) => isHmac(key, signature, signed))) ||
    (await matches(ed25519.map(base64Of), ofVersion('v1a'), (key, signature) => isEd25519(key, signature, signed)));
  if (!isRight) throw refused('no signature in webhook-signature is of the secret');
  return id;
}

const base64Of = (secret: string): Bytes => fromBase64(secret.slice(secret.indexOf('_') + 1));

async function anyHmac(keys: readonly Bytes[], signatures: readonly Bytes[], signed: Bytes): Promise<void> {
  const of = signatures.slice(0, MAX_SIGNATURES);
  if (!(await matches(keys, of, (key, signature) => isHmac(key, signature, signed)))) {
    throw refused('it is not of the secret');
  }
}

async function matches(
  keys: readonly Bytes[],
  signatures: readonly Bytes[],
  is: (key: Bytes, signature: Bytes) => Promise<boolean>,
): Promise<boolean> {
  const all = await Promise.all(keys.flatMap((key) => signatures.map((signature) => is(key, signature))));
  return all.includes(true);
}

/** `verify` compares in constant time. */
async function isHmac(key: Bytes, signature: Bytes, signed: Bytes): Promise<boolean> {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
  return crypto.subtle.verify('HMAC', imported, signature, signed);
}

async function isEd25519(key: Bytes, signature: Bytes, signed: Bytes): Promise<boolean> {
  if (signature.length !== 64) return false;
  return crypto.subtle.verify(
    'Ed25519',
    await crypto.subtle.importKey('raw', key, 'Ed25519', false, ['verify']),
    signature,
    signed,
  );
}

function header(headers: Headers, name: string): string {
  const value = headers.get(name);
  if (value === null) throw refused(`the header ${name} is missing`);
  return value;
}

/** The digits as they were signed. */
function recent(digits: string, nowSeconds: number): string {
  if (!/^\d{1,12}$/.test(digits)) throw refused('its time is not in seconds since 1970');
  if (Math.abs(nowSeconds - Number(digits)) > TOLERANCE_SECONDS) {
    throw refused(`its time is more than ${TOLERANCE_SECONDS} seconds from ours`);
  }
  return digits;
}

const utf8 = (text: string): Bytes => new Uint8Array(new TextEncoder().encode(text));

function decoded(text: string): Bytes | undefined {
  try {
    return fromBase64(text);
  } catch {
    return undefined;
  }
}

const refused = (why: string): ServiceError =>
  new ServiceError(
    'signature-refused',
    `The signature is refused: ${why}.`,
    'Sign the bytes of the body with the secret that the source was added with, at the time of sending.',
  );
