import { ServiceError } from '../errors.ts';
import { unauthorized } from './errors.ts';

/** Keys are of base64url, tokens of base64url and dots: a comma means that the header came twice. */
const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;
const PLAIN = /^[A-Za-z0-9._~+/-]+=*$/;
const MAX_LENGTH = 8_192;

/**
 * The key or token of a request: `Authorization: Bearer` or `x-api-key`. They may both be there where they are equal.
 * @throws ServiceError `bad-request` where there are several; `unauthorized` where there is none that can be read
 */
export function credentialOf(headers: Headers): string | undefined {
  const authorization = single(headers, 'authorization');
  const plain = single(headers, 'x-api-key');
  const bearer = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1];
  if (authorization !== undefined && bearer === undefined) throw unreadable('Authorization', 'Bearer <key>');
  if (plain !== undefined && !PLAIN.test(plain)) throw unreadable('x-api-key', '<key>');
  if (bearer !== undefined && plain !== undefined && bearer !== plain) {
    throw new ServiceError(
      'bad-request',
      'Authorization and x-api-key carry different credentials.',
      'Send one of them.',
    );
  }
  return bearer ?? plain;
}

/** Headers of the same name arrive joined by commas. */
function single(headers: Headers, name: string): string | undefined {
  const value = headers.get(name);
  if (value === null) return undefined;
  if (value.includes(',')) throw new ServiceError('bad-request', `The header ${name} is given twice.`, 'Send it once.');
  if (value.length > MAX_LENGTH) throw unreadable(name, 'at most 8,192 characters');
  return value.trim();
}

function unreadable(name: string, form: string) {
  return unauthorized(`The header ${name} cannot be read.`, `Send it as "${name}: ${form}".`);
}
