import { joined } from '../../bytes.ts';
import { ServiceError } from '../../errors.ts';
import { MAX_IMAGE_BYTES } from '../../input/images.ts';

/**
 * Triton's binary tensor data (docs/protocol/extension_binary_data.md): the JSON, then the tensors in the order of
 * their inputs, without padding, least significant byte first. An element of BYTES has its length before it, uint32.
 */

export const HEADER = 'inference-header-content-length';

export interface Unframed {
  readonly json: Uint8Array;
  readonly tensors: Uint8Array<ArrayBuffer>;
}

/**
 * Where the JSON ends. Without the header all is JSON; `raw` where it says 0: then all is one tensor.
 * @throws ServiceError `bad-request` for a length that is no number, or beyond the body
 */
export function unframed(header: string | null, body: Uint8Array<ArrayBuffer>): Unframed | 'raw' {
  if (header === null) return { json: body, tensors: new Uint8Array(0) };
  const length = /^\d{1,15}$/.test(header) ? Number(header) : Number.NaN;
  if (!(length <= body.length)) {
    throw new ServiceError(
      'bad-request',
      `Inference-Header-Content-Length is ${header.slice(0, 40)}; the body has ${body.length} bytes.`,
      'It is the number of bytes of JSON before the tensors, at most the Content-Length.',
    );
  }
  if (length === 0) return 'raw';
  return { json: body.subarray(0, length), tensors: body.subarray(length) };
}

/** @param bytes four a value, at any alignment */
export function floatsOf(bytes: Uint8Array<ArrayBuffer>): Float32Array {
  if (bytes.length % 4 !== 0) throw badTensor(`has ${bytes.length} bytes, which are no whole FP32 values`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

export function bytesOfFloats(values: Float32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setFloat32(4 * i, value, true);
  return bytes;
}

/**
 * The elements of a BYTES tensor.
 * @throws ServiceError `bad-request` where lengths do not add up to `count` elements and all bytes
 */
export function elementsOf(bytes: Uint8Array<ArrayBuffer>, count: number): Uint8Array<ArrayBuffer>[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const elements: Uint8Array<ArrayBuffer>[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 4 > bytes.length) throw badTensor(`ends within element ${i}`);
    const length = view.getUint32(at, true);
    at += 4;
    if (length > MAX_IMAGE_BYTES) throw badTensor(`says that element ${i} has ${length} bytes`);
    if (at + length > bytes.length) throw badTensor(`ends within element ${i}`);
    elements.push(bytes.subarray(at, at + length));
    at += length;
  }
  if (at < bytes.length) throw badTensor(`has ${bytes.length - at} bytes after its ${count} elements`);
  return elements;
}

export function bytesOfTexts(texts: readonly string[]): Uint8Array<ArrayBuffer> {
  const encoded = texts.map((text) => new TextEncoder().encode(text));
  const bytes = new Uint8Array(encoded.reduce((sum, text) => sum + 4 + text.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const text of encoded) {
    view.setUint32(at, text.length, true);
    bytes.set(text, at + 4);
    at += 4 + text.length;
  }
  return bytes;
}

export interface Framed {
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly headers: Record<string, string>;
}

/** An answer in JSON, and its tensor behind it where there is one. */
export function framed(json: unknown, tensor: Uint8Array | undefined): Framed {
  const text = JSON.stringify(json);
  if (!tensor) return { body: text, headers: { 'content-type': 'application/json' } };
  const head = new TextEncoder().encode(text);
  return {
    body: joined([head, tensor]),
    headers: { 'content-type': 'application/octet-stream', [HEADER]: String(head.length) },
  };
}

const badTensor = (why: string): ServiceError =>
  new ServiceError(
    'bad-request',
    `The binary tensor ${why}.`,
    'See binary_data_size, and the length before each element of BYTES.',
  );
