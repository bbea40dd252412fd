import type { z } from 'zod';
import { ServiceError } from '../errors.ts';
import { fieldErrors } from './options.ts';

/** Nothing that this service takes is nested deeper. */
const MAX_DEPTH = 16;
/** Numbers, strings, arrays and objects together: each takes memory when parsed, however few bytes it is written in. */
const MAX_VALUES = 10_000;
/** The same where JSON may hold tensors: a dozen inputs of 224 x 224 in three channels, nested. */
export const MAX_TENSOR_VALUES = 2_500_000;
/** Names that turn an object into something else when it is copied carelessly. */
const REFUSED_KEYS = new Set(['__proto__', 'constructor', 'prototype']);
/** Text without them needs no look at each value; an escape could hide one. */
const PERHAPS_REFUSED = /__proto__|constructor|prototype|\\u/;

const FORM = 'Send {"image": "<base64>"}.';

interface JsonLimits {
  readonly maxValues?: number;
  /** What to send instead. */
  readonly todo?: string;
}

/** JSON of bounded depth and size without the names above. @throws ServiceError `bad-json` */
export function parseJsonBody(body: Uint8Array, { maxValues = MAX_VALUES, todo = FORM }: JsonLimits = {}): unknown {
  const { depth, values } = measure(body);
  if (depth > MAX_DEPTH) throw badJson(`is nested deeper than ${MAX_DEPTH} levels`, todo);
  if (values > maxValues) throw badJson(`has more than ${maxValues} values`, todo);
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(body);
    if (!PERHAPS_REFUSED.test(text)) return JSON.parse(text);
    return JSON.parse(text, (key, value) => {
      if (REFUSED_KEYS.has(key)) throw badJson(`has a key named "${key}"`, todo);
      return value;
    });
  } catch (error) {
    throw error instanceof ServiceError ? error : badJson('is no valid JSON in UTF-8', todo, error);
  }
}

/** @throws ServiceError `bad-json` naming each field at fault */
export function checked<T extends z.ZodType>(schema: T, value: unknown, todo: string): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const fields = fieldErrors(parsed.error);
  throw new ServiceError(
    'bad-json',
    `The JSON is not of the right form (${fields.map(({ detail, pointer }) => `${pointer}: ${detail}`).join('; ')}).`,
    todo,
    { fields },
  );
}

/** Deepest nesting of brackets outside strings, and the most values there can be, without parsing: a parser would recurse. */
function measure(body: Uint8Array): { depth: number; values: number } {
  let depth = 0;
  let deepest = 0;
  let values = 1;
  let inString = false;
  for (let i = 0; i < body.length; i++) {
    const byte = body[i];
    if (inString) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x2c) values++;
    else if (byte === 0x5b || byte === 0x7b) {
      values++;
      deepest = Math.max(deepest, ++depth);
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return { depth: deepest, values };
}

function badJson(why: string, todo: string, cause?: unknown): ServiceError {
  return new ServiceError('bad-json', `The body ${why}.`, todo, { cause });
}
