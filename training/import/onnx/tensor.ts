import { readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { GraphError } from '../../graph/graph.ts';
import type { OnnxTensor } from './protobuf.ts';

/** A value that is known before the network runs. Integers are exact to 2^53. */
export interface Constant {
  readonly kind: 'constant';
  readonly dims: readonly number[];
  readonly integer: boolean;
  readonly values: Float32Array | Float64Array;
}

export function constant(dims: readonly number[], values: Float32Array | Float64Array, integer: boolean): Constant {
  return { kind: 'constant', dims, integer, values };
}

/** A list of integers, as shapes and axes are. */
export const integers = (values: readonly number[]): Constant =>
  constant([values.length], Float64Array.from(values), true);

/** Number of elements; more than any layer's weights have are refused (VGG16's largest has 10^8). */
export function size(dims: readonly number[], what: string): number {
  const product = dims.reduce((a, b) => a * b, 1);
  if (dims.some((dim) => !Number.isInteger(dim) || dim < 0) || product > 2 ** 28)
    throw new GraphError(
      `${what} has the shape [${dims.join(', ')}], which is more than any layer needs: the file is damaged.`,
    );
  return product;
}

/** TensorProto.DataType → bytes a value and how one is read. */
const TYPES: Record<number, { bytes: number; integer: boolean; read: (view: DataView, at: number) => number }> = {
  1: { bytes: 4, integer: false, read: (view, at) => view.getFloat32(at, true) },
  2: { bytes: 1, integer: true, read: (view, at) => view.getUint8(at) },
  3: { bytes: 1, integer: true, read: (view, at) => view.getInt8(at) },
  4: { bytes: 2, integer: true, read: (view, at) => view.getUint16(at, true) },
  5: { bytes: 2, integer: true, read: (view, at) => view.getInt16(at, true) },
  6: { bytes: 4, integer: true, read: (view, at) => view.getInt32(at, true) },
  7: { bytes: 8, integer: true, read: (view, at) => Number(view.getBigInt64(at, true)) },
  9: { bytes: 1, integer: true, read: (view, at) => view.getUint8(at) },
  10: { bytes: 2, integer: false, read: (view, at) => half(view.getUint16(at, true)) },
  11: { bytes: 8, integer: false, read: (view, at) => view.getFloat64(at, true) },
  12: { bytes: 4, integer: true, read: (view, at) => view.getUint32(at, true) },
  13: { bytes: 8, integer: true, read: (view, at) => Number(view.getBigUint64(at, true)) },
  16: { bytes: 2, integer: false, read: (view, at) => brain(view.getUint16(at, true)) },
};

export const isInteger = (type: number): boolean => TYPES[type]?.integer ?? false;

/**
 * @param folder of the ONNX file; external data is read from there and from nowhere else.
 * @throws GraphError where values are missing, too many, of a type that no network's weights have, or elsewhere.
 */
export function readTensor(tensor: OnnxTensor, folder: string): Constant {
  const what = `The tensor "${tensor.name}"`;
  const type = TYPES[tensor.type];
  if (!type) throw new GraphError(`${what} has the data type ${tensor.type}, which is not read. Export it as float32.`);
  const count = size(tensor.dims, what);
  const raw = tensor.external.size > 0 ? externalBytes(tensor, folder) : tensor.raw;
  if (raw) {
    if (raw.length !== count * type.bytes)
      throw new GraphError(
        `${what} has ${raw.length} bytes, and [${tensor.dims.join(', ')}] needs ${count * type.bytes}: the file is damaged.`,
      );
    // A copy, which starts at a whole word as Float32Array asks.
    if (tensor.type === 1) return constant(tensor.dims, new Float32Array(new Uint8Array(raw).buffer), false);
    const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
    const values = type.integer ? new Float64Array(count) : new Float32Array(count);
    for (let i = 0; i < count; i++) values[i] = type.read(view, i * type.bytes);
    return constant(tensor.dims, values, type.integer);
  }
  if (tensor.numbers.length !== count)
    throw new GraphError(
      `${what} has ${tensor.numbers.length} values, and [${tensor.dims.join(', ')}] needs ${count}: the file is damaged.`,
    );
  const bits = tensor.type === 10 ? half : tensor.type === 16 ? brain : (value: number) => value;
  const values = Float64Array.from(tensor.numbers, bits);
  return constant(tensor.dims, type.integer ? values : Float32Array.from(values), type.integer);
}

function externalBytes(tensor: OnnxTensor, folder: string): Uint8Array {
  const location = tensor.external.get('location') ?? '';
  const what = `The tensor "${tensor.name}" lies in the external file "${location}"`;
  const parts = location.split(/[\\/]/);
  if (location === '' || path.isAbsolute(location) || path.win32.isAbsolute(location) || parts.includes('..'))
    throw new GraphError(
      `${what}, which is outside the model's folder: external data is read from beside the .onnx file only.`,
    );
  let file: Buffer;
  try {
    const real = realpathSync(path.join(folder, location));
    if (!real.startsWith(realpathSync(folder) + path.sep))
      throw new GraphError(`${what}, a link out of the model's folder.`);
    file = readFileSync(real);
  } catch (error) {
    if (error instanceof GraphError) throw error;
    throw new GraphError(`${what}, which cannot be read: put it beside the .onnx file.`, { cause: error });
  }
  const offset = Number(tensor.external.get('offset') ?? 0);
  const length = Number(tensor.external.get('length') ?? file.length - offset);
  if (!(offset >= 0 && length >= 0 && offset + length <= file.length))
    throw new GraphError(
      `${what} at ${offset}, ${length} bytes, but the file has ${file.length}: it is truncated or another one.`,
    );
  return file.subarray(offset, offset + length);
}

/** IEEE 754 binary16. */
function half(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** bfloat16: the upper half of a float32. */
function brain(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0] ?? 0;
}
