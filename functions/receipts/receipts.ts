import { CompactSign, calculateJwkThumbprint, compactVerify, errors, importJWK, type JWK } from 'jose';
import { z } from 'zod';
import { ServiceError } from '../errors.ts';

/**
 * Signed answers: which network said what of which picture, so that anybody can compute it again and compare bits. A
 * receipt is a JWS in its compact form (RFC 7515) by Ed25519 (RFC 8037); its payload is JSON, {@link statementSchema}.
 */
const ALGORITHM = 'EdDSA';
/** Tells them from tokens (RFC 8725, section 3.11). */
const TYPE = 'receipt+jws';
const SEED_BYTES = 32;
/** DER of a private key of RFC 8410, up to its 32 bytes. */
const PKCS8_START = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20);
/** A longer one is none of ours. */
const MAX_LENGTH = 4_000;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const statementSchema = z.strictObject({
  /** Seconds since 1970. */
  iat: z.int(),
  model: z.strictObject({ id: z.string(), version: sha256, revision: z.int(), runtime: z.enum(['int8', 'tfjs']) }),
  /** SHA-256 of the picture as it was sent. */
  picture: sha256,
  /** SHA-256 of what the network put out: float32 a class, least significant byte first, before any temperature. */
  scores: sha256,
});
export type Statement = z.infer<typeof statementSchema>;

export const keySetSchema = z
  .object({
    keys: z.array(
      z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string(), kid: z.string(), alg: z.string() }),
    ),
  })
  .meta({ id: 'ReceiptKeys', description: 'A JWK Set, RFC 7517.' });
export type KeySet = z.infer<typeof keySetSchema>;

interface Pair {
  readonly key: CryptoKey;
  readonly jwk: KeySet['keys'][number];
}

/** Signs with a key of its own, made of the Worker's secret: there is nothing more to set up, or to lose. */
export class Receipts {
  readonly #secret: string;
  #pair: Promise<Pair> | undefined;

  constructor({ secret }: { secret: string }) {
    this.#secret = secret;
  }

  async sign(statement: Omit<Statement, 'iat'>): Promise<string> {
    const { key, jwk } = await this.#keys();
    const payload = JSON.stringify({ iat: Math.floor(Date.now() / 1000), ...statement } satisfies Statement);
    return new CompactSign(new TextEncoder().encode(payload))
      .setProtectedHeader({ alg: ALGORITHM, kid: jwk.kid, typ: TYPE })
      .sign(key);
  }

  /** What anybody verifies them with. */
  async keySet(): Promise<KeySet> {
    return { keys: [(await this.#keys()).jwk] };
  }

  #keys(): Promise<Pair> {
    this.#pair ??= pairOf(this.#secret);
    return this.#pair;
  }
}

async function pairOf(secret: string): Promise<Pair> {
  const bytes = new TextEncoder().encode(secret);
  const material = await crypto.subtle.importKey('raw', bytes, 'HKDF', false, ['deriveBits']);
  const info = new TextEncoder().encode('edge-classifier receipts');
  const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info };
  const seed = new Uint8Array(await crypto.subtle.deriveBits(hkdf, material, 8 * SEED_BYTES));
  const der = new Uint8Array([...PKCS8_START, ...seed]);
  const key = await crypto.subtle.importKey('pkcs8', der, 'Ed25519', true, ['sign']);
  const { x = '' } = (await crypto.subtle.exportKey('jwk', key)) as { x?: string };
  const open = { kty: 'OKP', crv: 'Ed25519', x } as const;
  return { key, jwk: { ...open, kid: await calculateJwkThumbprint(open), alg: ALGORITHM } };
}

/**
 * What a receipt states, when its signature is of one of the keys.
 * @throws ServiceError `signature-refused` saying what is wrong
 */
export async function verifiedStatement(receipt: string, { keys }: KeySet): Promise<Statement> {
  if (receipt.length > MAX_LENGTH) throw refused('it is too long');
  try {
    const { payload } = await compactVerify(
      receipt,
      ({ kid, typ }) => {
        const jwk = keys.find((one) => one.kid === kid);
        if (typ !== TYPE) throw refused('it is no receipt');
        if (!jwk) throw refused('it is of another key');
        return importJWK(jwk as JWK, ALGORITHM);
      },
      { algorithms: [ALGORITHM] },
    );
    return statementSchema.parse(JSON.parse(new TextDecoder().decode(payload)));
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    const why =
      error instanceof errors.JWSSignatureVerificationFailed ? 'its signature is not of what it says' : 'it is damaged';
    throw refused(why, error);
  }
}

const refused = (why: string, cause?: unknown): ServiceError =>
  new ServiceError(
    'signature-refused',
    `The receipt does not hold: ${why}.`,
    'Take it as it was answered, every character of it.',
    {
      cause,
    },
  );
