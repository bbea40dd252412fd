import { z } from 'zod';

/** JSON Pointers (RFC 6901): empty for the whole document, else `/` before each token, `~1` for `/` and `~0` for `~`. */
export const pointerSchema = z
  .string()
  .max(500)
  .regex(/^(\/([^~/]|~[01])*)*$/, 'expected a JSON Pointer (RFC 6901), as /entry/photos/0/url');

/** The value that a pointer leads to, through own properties and elements only; undefined where there is none. */
export function valueAt(document: unknown, pointer: string): unknown {
  let value = document;
  for (const escaped of pointer.split('/').slice(1)) {
    const token = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !isMember(value, token)) return undefined;
    value = Reflect.get(value, token);
  }
  return value;
}

/** Elements of arrays by their numbers, without leading zeros and without `length`; RFC 6901, section 4. */
const isMember = (value: object, token: string): boolean =>
  Object.hasOwn(value, token) && (!Array.isArray(value) || /^(0|[1-9]\d*)$/.test(token));
