import { constants, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ServiceError } from '../../../functions/errors.ts';
import { inflate } from '../../../functions/image/png/inflate.ts';

function inflated(stream: Uint8Array, expected: number): Buffer {
  const pieces: Buffer[] = [];
  inflate(stream, expected, (piece) => pieces.push(Buffer.from(piece)));
  return Buffer.concat(pieces);
}

/** Runs, repetitions near and far, and noise. */
const data = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.tuple(fc.nat(255), fc.nat(3_000)).map(([value, n]) => new Uint8Array(n).fill(value)),
    ),
    { maxLength: 30 },
  )
  .map((parts) => Buffer.concat([...parts, ...parts]));
const options = fc.record({
  level: fc.constantFrom(0, 1, 6, 9),
  memLevel: fc.constantFrom(1, 8),
  windowBits: fc.constantFrom(9, 15),
  strategy: fc.constantFrom(
    constants.Z_DEFAULT_STRATEGY,
    constants.Z_FIXED,
    constants.Z_HUFFMAN_ONLY,
    constants.Z_RLE,
    constants.Z_FILTERED,
  ),
});

describe('inflate', () => {
  it('gives back what zlib deflated', () => {
    fc.assert(
      fc.property(data, options, (bytes, how) => inflated(deflateSync(bytes, how), bytes.length).equals(bytes)),
      { numRuns: 300 },
    );
  });

  it('crosses its window', () => {
    const bytes = Buffer.from(Uint8Array.from({ length: 400_000 }, (_, i) => (i * i) >> (i % 13)));
    for (const level of [0, 1, 9])
      expect(inflated(deflateSync(bytes, { level }), bytes.length).equals(bytes)).toBe(true);
  });

  it('never takes damage for data', () => {
    const bytes = Buffer.from(Uint8Array.from({ length: 5_000 }, (_, i) => (i * i) >> (i % 7)));
    const stream = deflateSync(bytes);
    let refused = 0;
    for (let at = 0; at < stream.length; at++) {
      const broken = Buffer.from(stream);
      broken[at] = (broken[at] ?? 0) ^ (1 << (at % 8));
      try {
        expect(inflated(broken, bytes.length).equals(bytes)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(ServiceError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(0.99 * stream.length);
  });

  it('says that a stream is cut short, wherever', () => {
    const bytes = Buffer.alloc(2_000, 'abcdefg');
    const stream = deflateSync(bytes);
    for (let length = 0; length < stream.length; length++) {
      expect(() => inflated(stream.subarray(0, length), bytes.length)).toThrow(/cut short/);
    }
    expect(() => inflated(stream, bytes.length + 1)).toThrow(/cut short/);
  });

  it('stops a bomb at the size that the header promises', () => {
    const bomb = deflateSync(Buffer.alloc(100_000_000));
    let given = 0;
    expect(() =>
      inflate(bomb, 1_000_000, (piece) => {
        given += piece.length;
      }),
    ).toThrow(/more of them/);
    expect(given).toBeLessThanOrEqual(1_000_000);
  });
});
