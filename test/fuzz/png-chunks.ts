import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { joined } from '../../functions/bytes.ts';
import { MAX_BYTES } from './mutations.ts';
import type { Random } from './random.ts';

interface Chunk {
  /** Of its length field. */
  readonly at: number;
  readonly length: number;
  readonly type: string;
}

function chunksOf(file: Buffer): Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = 8; at + 12 <= file.length; ) {
    const length = file.readUInt32BE(at);
    if (at + 12 + length > file.length) break;
    chunks.push({ at, length, type: file.toString('latin1', at + 4, at + 8) });
    at += 12 + length;
  }
  return chunks;
}

/** Gives the chunks of a mutated PNG their checksums, past which nothing of it would be looked at. */
export function sealed(png: Uint8Array): Uint8Array {
  const file = Buffer.from(png.buffer, png.byteOffset, png.length);
  for (const { at, length } of chunksOf(file)) {
    file.writeUInt32BE(crc32(file.subarray(at + 4, at + 8 + length)), at + 8 + length);
  }
  return png;
}

/**
 * The same PNG with its filtered rows mutated, or compressed in another way; itself if they cannot be
 * inflated, or become too long.
 */
export function recompressed(png: Uint8Array, random: Random, mutate: (rows: Uint8Array) => Uint8Array): Uint8Array {
  const file = Buffer.from(png);
  const chunks = chunksOf(file);
  const pixels = chunks.filter(({ type }) => type === 'IDAT');
  const [first] = pixels;
  if (!first) return png;
  let rows: Buffer;
  try {
    const stream = joined(pixels.map(({ at, length }) => file.subarray(at + 8, at + 8 + length)));
    rows = inflateSync(stream, { maxOutputLength: 1_000_000 });
  } catch {
    return png;
  }
  const options = { level: random.of([0, 1, 6, 9]), strategy: random.below(5), memLevel: random.of([1, 8]) };
  const stream = deflateSync(random.oneIn(3) ? rows : mutate(rows), options);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(stream.length);
  const idat = joined([length, Buffer.from('IDAT'), stream, Buffer.alloc(4)]);
  const rest = chunks.filter(({ type, at }) => type !== 'IDAT' && at > first.at);
  const whole = joined([
    file.subarray(0, first.at),
    idat,
    ...rest.map(({ at, length: bytes }) => file.subarray(at, at + 12 + bytes)),
  ]);
  return whole.length <= MAX_BYTES ? sealed(whole) : png;
}
