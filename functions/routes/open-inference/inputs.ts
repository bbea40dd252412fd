import type { Manifest } from '../../catalogue/manifest.ts';
import type { Input } from '../../classify/classify.ts';
import { tensorShape } from '../../classify/input-tensor.ts';
import { ServiceError } from '../../errors.ts';
import { decodeBase64 } from '../../input/base64.ts';
import { MAX_IMAGE_BYTES, MAX_IMAGES } from '../../input/images.ts';
import { isPicture } from '../../input/signature.ts';
import { flattenedNumbers, named, wrong } from '../nested-numbers.ts';
import { elementsOf, floatsOf } from './binary-tensors.ts';
import { INPUT, type InferInput, type InferRequest } from './schema.ts';

/**
 * The batch of a request.
 * @param tensors what follows the JSON
 * @throws ServiceError naming the field at fault
 */
export function inputsOf({ inputs }: InferRequest, tensors: Uint8Array<ArrayBuffer>, manifest: Manifest): Input[] {
  const [input, ...others] = inputs;
  if (!input || others.length > 0)
    throw wrong('#/inputs', `has ${inputs.length} inputs; the model has one, "${INPUT}"`);
  if (input.name !== INPUT) throw wrong('#/inputs/0/name', `is not "${INPUT}", which is the input of the model`);
  const binary = binaryOf(input, tensors);
  switch (input.datatype) {
    case 'FP32':
      return tensorsOf(input, binary, tensorShape(manifest.input));
    case 'BYTES':
      return picturesOf(input, binary);
    default:
      throw wrong('#/inputs/0/datatype', 'is neither FP32 nor BYTES');
  }
}

/** A body that is nothing but one tensor: a picture, or the values of the input. */
export function rawInput(body: Uint8Array<ArrayBuffer>): Input {
  return isPicture(body) ? { image: body } : { values: floatsOf(body) };
}

/** The bytes of the input behind the JSON; undefined where it has its data in JSON. */
function binaryOf({ parameters = {}, data }: InferInput, tensors: Uint8Array<ArrayBuffer>) {
  const { binary_data_size: size, shared_memory_region: region } = parameters;
  const pointer = '#/inputs/0/parameters';
  if (region !== undefined) throw wrong(`${pointer}/shared_memory_region`, 'is not to be had: nothing is shared here');
  if (size === undefined) {
    if (tensors.length > 0)
      throw wrong('#/inputs/0', `has no binary_data_size, and ${tensors.length} bytes follow the JSON`);
    if (data === undefined) throw wrong('#/inputs/0', 'has neither data nor binary_data_size');
    return undefined;
  }
  if (data !== undefined) throw wrong('#/inputs/0', 'has both data and binary_data_size');
  if (size !== tensors.length) {
    throw wrong(`${pointer}/binary_data_size`, `is not ${tensors.length}, as many bytes as follow the JSON`);
  }
  return tensors;
}

function tensorsOf({ shape, data }: InferInput, binary: Uint8Array<ArrayBuffer> | undefined, one: readonly number[]) {
  const [batch = 0, ...rest] = shape;
  if (rest.length !== 3 || rest.some((length, i) => length !== one[i])) {
    throw wrong('#/inputs/0/shape', `is not [batch, ${one.join(', ')}]`);
  }
  const size = one.reduce((a, b) => a * b);
  const count = batchOf(batch) * size;
  if (binary && binary.length !== 4 * count) {
    throw wrong(
      '#/inputs/0/parameters/binary_data_size',
      `is not ${4 * count}, four bytes for each of ${count} values`,
    );
  }
  const values = binary ? floatsOf(binary) : flattenedNumbers(data, count, '#/inputs/0/data');
  return Array.from({ length: batch }, (_, i): Input => ({ values: values.subarray(i * size, (i + 1) * size) }));
}

function picturesOf({ shape, data }: InferInput, binary: Uint8Array<ArrayBuffer> | undefined): Input[] {
  const [batch = 0, ...rest] = shape;
  if (rest.length > 1 || rest.some((length) => length !== 1))
    throw wrong('#/inputs/0/shape', 'is not [batch] or [batch, 1]');
  batchOf(batch);
  if (binary) return elementsOf(binary, batch).map((image) => ({ image }));
  const texts = Array.isArray(data) ? data.flat() : [data];
  if (texts.length !== batch)
    throw wrong('#/inputs/0/data', `has ${texts.length} of the ${batch} elements of its shape`);
  return texts.map((text, i) => {
    if (typeof text !== 'string') throw wrong(`#/inputs/0/data/${i}`, `is ${named(text)}, not a picture in base64`);
    if (text === '') throw wrong(`#/inputs/0/data/${i}`, 'is empty');
    return { image: decodeBase64(text, MAX_IMAGE_BYTES) };
  });
}

function batchOf(batch: number): number {
  if (batch >= 1 && batch <= MAX_IMAGES) return batch;
  throw new ServiceError(
    'bad-request',
    `The batch has ${batch} inputs.`,
    `Send 1 to ${MAX_IMAGES} at a time; max_batch_size in /config says the same.`,
    { fields: [{ detail: `is not 1 to ${MAX_IMAGES}`, pointer: '#/inputs/0/shape/0' }] },
  );
}
