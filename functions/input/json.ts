import { ServiceError } from '../errors.ts';

/** Nothing that this service takes is nested deeper. */
const MAX_DEPTH = 16;
/** Names that turn an object into something else when it is copied carelessly. */
const REFUSED_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/** JSON of bounded depth without the names above. @throws ServiceError `bad-json` */
export function parseJsonBody(body: Uint8Array): unknown {
  if (depthOf(body) > MAX_DEPTH) throw badJson(`is nested deeper than ${MAX_DEPTH} levels`);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(body), (key, value) => {
      if (REFUSED_KEYS.has(key)) throw badJson(`has a key named "${key}"`);
      return value;
    });
  } catch (error) {
    throw error instanceof ServiceError ? error : badJson('is no valid JSON in UTF-8', error);
  }
}

/** Deepest nesting of brackets outside strings, without parsing: a parser would recurse. */
function depthOf(body: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < body.length; i++) {
    const byte = body[i];
    if (inString) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x5b || byte === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return deepest;
}

function badJson(why: string, cause?: unknown): ServiceError {
  return new ServiceError('bad-json', `The body ${why}.`, 'Send {"image": "<base64>"}.', { cause });
}
