import { gunzipSync } from 'node:zlib';
import { DataError } from './errors.ts';

/**
 * IDX, the file format of MNIST and Fashion-MNIST (described at the end of yann.lecun.com/exdb/mnist): two zero
 * bytes, the type of a value, the number of dimensions, each dimension as big-endian uint32, then the values in
 * C order. Only unsigned bytes are read; both data sets have nothing else.
 */
export interface Idx {
  /** `[images, rows, columns]` of images, `[images]` of labels. */
  readonly shape: readonly number[];
  readonly values: Uint8Array;
}

const UNSIGNED_BYTE = 0x08;
const GZIP_MAGIC = [0x1f, 0x8b];

/**
 * The file as it was before gzip, or as it is.
 * @param maxBytes more than this is not unpacked, so that a small file cannot fill the memory
 * @throws DataError naming `name` where the gzip stream is damaged, cut off or too long
 */
export function unpack(file: Uint8Array, name: string, maxBytes: number): Uint8Array {
  if (!GZIP_MAGIC.every((byte, at) => file[at] === byte)) return file;
  try {
    return gunzipSync(file, { maxOutputLength: maxBytes });
  } catch (error) {
    throw new DataError(`${name} cannot be unpacked: ${(error as Error).message}. Remove it and get it again.`);
  }
}

/** @param bytes unpacked. @throws DataError naming `name` where the header or the size is wrong */
export function parseIdx(bytes: Uint8Array, name: string): Idx {
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4) throw new DataError(`${name} is no IDX file: it has only ${bytes.length} bytes.`);
  if (header.getUint16(0) !== 0) {
    throw new DataError(
      `${name} is no IDX file: it begins with ${hex(bytes.subarray(0, 4))}, not with two zero bytes.`,
    );
  }
  const [type, dimensions] = [header.getUint8(2), header.getUint8(3)];
  if (type !== UNSIGNED_BYTE) {
    throw new DataError(`${name} has values of IDX type 0x${hex([type])}; only unsigned bytes (0x08) are read.`);
  }
  const start = 4 + 4 * dimensions;
  if (dimensions === 0 || bytes.length < start) throw new DataError(`${name} ends within its IDX header.`);
  const shape = Array.from({ length: dimensions }, (_, axis) => header.getUint32(4 + 4 * axis));
  const values = bytes.subarray(start);
  const expected = shape.reduce((product, size) => product * size, 1);
  if (values.length !== expected) {
    throw new DataError(
      `${name} has ${values.length} values where its header says ${shape.join(' x ')} = ${expected}.`,
    );
  }
  return { shape, values };
}

const hex = (bytes: Iterable<number>) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
