import type { Context } from 'hono';
import { sha256Hex, sha256OfText } from '../bytes.ts';

type Body = string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;

/** So much of a SHA-256 tells answers apart. */
const TAG_DIGITS = 32;

/**
 * An answer in JSON, with a strong `ETag` of its bytes: 304 without a body where the caller has it already. A
 * classification changes nothing, so its POST is answered as RFC 9110, section 13.1.2, has it for GET. It may be kept,
 * and asked for again each time: with the next deployment another version may speak.
 */
export const conditional = (c: Context, value: unknown): Promise<Response> =>
  conditionalBody(c, JSON.stringify(value), { 'content-type': 'application/json' });

/** The same of any body. */
export async function conditionalBody(
  c: Context,
  body: Exclude<Body, ReadableStream>,
  headers: Record<string, string>,
): Promise<Response> {
  const hash = await (typeof body === 'string' ? sha256OfText(body) : sha256Hex(body));
  return validated(c, hash, () => body, headers);
}

/** The same where the hash is known already: a body that the caller has is not even opened. */
export async function validated(
  c: Context,
  sha256: string,
  open: () => Body | Promise<Body>,
  headers: Record<string, string>,
): Promise<Response> {
  const etag = `"${sha256.slice(0, TAG_DIGITS)}"`;
  // Where access is on, `private` comes before it (middleware/access.ts).
  const control = /\bno-store\b/i.test(c.req.header('cache-control') ?? '') ? 'no-store' : 'no-cache';
  const validators = { etag, 'cache-control': control };
  if (names(c.req.header('if-none-match'), etag)) return c.body(null, 304, validators);
  return c.body(await open(), 200, { ...headers, ...validators });
}

/** RFC 9110, section 13.1.2: `*`, or a list that is compared weakly. */
const names = (list: string | undefined, etag: string): boolean =>
  list !== undefined && (list.trim() === '*' || list.split(',').some((one) => one.trim().replace(/^W\//, '') === etag));
