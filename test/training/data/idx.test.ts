import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseIdx, unpack } from '../../../training/data/idx.ts';

/** Two images of 2x3, written out by hand from the description of the format. */
const file = Uint8Array.from([
  ...[0, 0, 0x08, 3],
  ...[0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3],
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255],
]);

describe('IDX', () => {
  it('reads shape and values', () => {
    const { shape, values } = parseIdx(file, 'two images');
    expect(shape).toEqual([2, 2, 3]);
    expect([...values]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255]);
  });

  it('reads big-endian sizes, also in a view that does not begin at 0', () => {
    const labels = new Uint8Array(5 + 8 + 300);
    labels.set([0, 0, 8, 1, 0, 0, 1, 44], 5);
    expect(parseIdx(labels.subarray(5), 'labels').shape).toEqual([300]);
  });

  const changed = (at: number, value: number) => file.with(at, value);
  it.each([
    ['nothing', new Uint8Array(0), /only 0 bytes/],
    ['text', new TextEncoder().encode('<html>not found'), /begins with 3c 68 74 6d/],
    ['floats', changed(2, 0x0d), /type 0x0d/],
    ['no dimension', changed(3, 0), /within its IDX header/],
    ['more dimensions than bytes', changed(3, 200), /within its IDX header/],
    ['one value too few', file.subarray(0, -1), /11 values where its header says 2 x 2 x 3 = 12/],
    ['one value too many', Uint8Array.from([...file, 0]), /13 values/],
    ['sizes whose product overflows 32 bits', changed(4, 0x80).with(8, 0x80), /12 values/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => parseIdx(bytes, 'f.idx')).toThrow(message);
    expect(() => parseIdx(bytes, 'f.idx')).toThrow(/f\.idx/);
  });
});

describe('gzip', () => {
  it('is unpacked, and what is not gzipped is left alone', () => {
    expect([...unpack(gzipSync(file), 'f', 100)]).toEqual([...file]);
    expect(unpack(file, 'f', 100)).toBe(file);
  });

  it('says which file is cut off or damaged', () => {
    const packed = gzipSync(file);
    expect(() => unpack(packed.subarray(0, -9), 'f.gz', 100)).toThrow(/f\.gz cannot be unpacked/);
    // The last eight bytes are the check sum and the size.
    packed[packed.length - 8] = (packed[packed.length - 8] ?? 0) ^ 1;
    expect(() => unpack(packed, 'f.gz', 100)).toThrow(/f\.gz cannot be unpacked/);
  });

  it('does not unpack a bomb', () => {
    expect(() => unpack(gzipSync(new Uint8Array(1_000_000)), 'bomb.gz', 1000)).toThrow(/bomb\.gz/);
  });
});
