import type { Manifest } from '../../catalogue/manifest.ts';
import type { Input } from '../../classify/classify.ts';
import { tensorShape } from '../../classify/input-tensor.ts';
import { decodeBase64 } from '../../input/base64.ts';
import { MAX_IMAGE_BYTES } from '../../input/images.ts';
import { named, nestedNumbers, wrong } from '../nested-numbers.ts';
import { INPUT, INPUT_BYTES } from './schema.ts';

/** Names under which an input may stand. */
const NAMES: readonly string[] = [INPUT, INPUT_BYTES];
/** Names of a feature with a picture; `image/encoded` is TensorFlow's own in its `Example`s. */
const PICTURES: readonly string[] = ['image', INPUT_BYTES, 'image/encoded'];

/** One input as `:predict` has it: `{"b64": …}`, nested numbers, or either under the input's name. */
export function inputOf(value: unknown, manifest: Manifest, pointer: string): Input {
  const fields = isObject(value) ? Object.keys(value) : [];
  if (isObject(value) && !fields.includes('b64')) {
    const [name] = fields;
    if (fields.length !== 1 || name === undefined || !NAMES.includes(name)) {
      throw wrong(
        pointer,
        `has ${fields.length === 0 ? 'no input' : `inputs that the model has not`}: its input is "${INPUT}"`,
      );
    }
    return unnamed(value[name], manifest, `${pointer}/${name}`);
  }
  return unnamed(value, manifest, pointer);
}

/** One of the examples of `:classify`, with what is common to all. */
export function inputOfExample(
  features: Readonly<Record<string, unknown>>,
  context: Readonly<Record<string, unknown>>,
  manifest: Manifest,
  pointer: string,
): Input {
  for (const name of Object.keys(features)) {
    if (Object.hasOwn(context, name)) throw wrong(`${pointer}/${name}`, 'is also in the context');
  }
  const all = { ...context, ...features };
  const given = [...PICTURES, INPUT].filter((name) => Object.hasOwn(all, name));
  const [name] = given;
  if (given.length !== 1 || name === undefined) {
    throw wrong(pointer, `has ${given.length} of the features ${[...PICTURES, INPUT].join(', ')} in place of one`);
  }
  const value = all[name];
  if (name !== INPUT) return unnamed(value, manifest, `${pointer}/${name}`);
  const size = tensorShape(manifest.input).reduce((a, b) => a * b);
  return { values: nestedNumbers(value, [size], `${pointer}/${name}`) };
}

function unnamed(value: unknown, manifest: Manifest, pointer: string): Input {
  if (isObject(value)) return { image: bytesOf(value, pointer) };
  if (typeof value === 'string') throw wrong(pointer, 'is text: bytes are written {"b64": "…"}');
  return { values: nestedNumbers(value, tensorShape(manifest.input), pointer) };
}

function bytesOf(value: Readonly<Record<string, unknown>>, pointer: string): Uint8Array<ArrayBuffer> {
  const { b64, ...others } = value;
  if (typeof b64 !== 'string' || Object.keys(others).length > 0) {
    throw wrong(pointer, `is an object that is not {"b64": text}: b64 is ${named(b64)}`);
  }
  if (b64 === '') throw wrong(`${pointer}/b64`, 'is empty');
  return decodeBase64(b64, MAX_IMAGE_BYTES);
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
