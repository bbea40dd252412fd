import { joined } from '../../functions/bytes.ts';
import type { Random } from './random.ts';

export const FORMATS = ['jpeg', 'png', 'webp', 'avif', 'gif'] as const;
export type Format = (typeof FORMATS)[number];

/** Longest file that is made. */
export const MAX_BYTES = 60_000;
/** Bytes and numbers on which decoders have stumbled. */
const BORDERS = [0, 1, 2, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 254, 255];
const LONG_BORDERS = [0, 1, 255, 256, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];

type Mutation = (file: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

const flip: Mutation = (file, random) => {
  for (let k = random.below(8); k >= 0; k--) {
    const at = random.below(file.length);
    file[at] = (file[at] ?? 0) ^ (1 << random.below(8));
  }
  return file;
};

const overwrite: Mutation = (file, random) => {
  for (let k = random.below(4); k >= 0; k--) {
    file[random.below(file.length)] = random.oneIn(2) ? random.of(BORDERS) : random.below(256);
  }
  return file;
};

/** Where headers are: in the first bytes. */
const header: Mutation = (file, random) => {
  const end = Math.min(file.length, 16 << random.below(7));
  for (let k = random.below(3); k >= 0; k--) {
    file[random.below(end)] = random.oneIn(2) ? random.of(BORDERS) : random.below(256);
  }
  return file;
};

/** Lengths, sizes and offsets, in both orders of bytes. */
const lengthField: Mutation = (file, random) => {
  const bytes = random.of([2, 3, 4]);
  const at = random.below(Math.max(1, Math.min(file.length, random.oneIn(2) ? 600 : file.length) - bytes));
  const little = random.oneIn(2);
  const value = random.oneIn(2) ? random.of(LONG_BORDERS) : random.below(4_000);
  for (let i = 0; i < bytes; i++) file[at + (little ? i : bytes - 1 - i)] = (value / 2 ** (8 * i)) & 255;
  return file;
};

const truncate: Mutation = (file, random) => file.slice(0, random.below(file.length) + 1);

const remove: Mutation = (file, random) => {
  const from = random.below(file.length);
  return joined([file.subarray(0, from), file.subarray(from + 1 + random.below(random.oneIn(2) ? 8 : 600))]);
};

const repeat: Mutation = (file, random) => {
  const from = random.below(file.length);
  const piece = file.subarray(from, from + 1 + random.below(400));
  return joined([file.subarray(0, from), ...Array<Uint8Array>(1 + random.below(4)).fill(piece), file.subarray(from)]);
};

const splice: Mutation = (file, random, other) => {
  const from = random.below(other.length);
  const piece = other.subarray(from, from + 1 + random.below(random.oneIn(3) ? other.length : 300));
  const at = random.below(file.length);
  return joined([file.subarray(0, at), piece, file.subarray(at + (random.oneIn(2) ? piece.length : 0))]);
};

const fill: Mutation = (file, random) => {
  const from = random.below(file.length);
  return file.fill(random.of(BORDERS), from, from + 1 + random.below(200));
};

const ANY: readonly Mutation[] = [
  flip,
  flip,
  overwrite,
  header,
  header,
  lengthField,
  truncate,
  remove,
  repeat,
  splice,
  fill,
];

/** Another marker, segment or scan in the place of one. */
const jpegMarker: Mutation = (file, random, other) => {
  const markers = positions(file, (at) => file[at] === 0xff && (file[at + 1] ?? 0) >= 0xc0);
  if (markers.length === 0) return flip(file, random, other);
  const at = random.of(markers);
  const next = random.of(markers);
  switch (random.below(4)) {
    case 0:
      file[at + 1] = 0xc0 + random.below(64);
      return file;
    case 1:
      // A segment twice, or before another.
      return joined([file.subarray(0, next), file.subarray(at, at + 2 + segmentLength(file, at)), file.subarray(next)]);
    case 2:
      return joined([file.subarray(0, at), file.subarray(at + 2 + segmentLength(file, at))]);
    default: {
      const inside = at + 4 + random.below(Math.max(1, segmentLength(file, at)));
      if (inside < file.length) file[inside] = random.oneIn(2) ? random.of(BORDERS) : random.below(256);
      return file;
    }
  }
};

const segmentLength = (file: Uint8Array, at: number) => ((file[at + 2] ?? 0) << 8) | (file[at + 3] ?? 0);

/** A byte of a box, chunk or block found by its four letters. */
const named: Mutation = (file, random, other) => {
  const letter = (at: number) => /[A-Za-z0-9 ]/.test(String.fromCharCode(file[at] ?? 0));
  const names = positions(file, (at) => letter(at) && letter(at + 1) && letter(at + 2) && letter(at + 3)).slice(0, 400);
  if (names.length === 0) return flip(file, random, other);
  const at = Math.max(0, random.of(names) - 4 + random.below(28));
  if (at < file.length) file[at] = random.oneIn(2) ? random.of(BORDERS) : random.below(256);
  return file;
};

function positions(file: Uint8Array, wanted: (at: number) => boolean): number[] {
  const found: number[] = [];
  for (let at = 0; at + 3 < file.length; at++) if (wanted(at)) found.push(at);
  return found;
}

const OWN: Readonly<Record<Format, readonly Mutation[]>> = {
  jpeg: [jpegMarker, jpegMarker, jpegMarker, jpegMarker],
  png: [named, named],
  webp: [named, named],
  avif: [named, named, named, named],
  gif: [],
};

/**
 * A file made of `seed` by one mutation or some; `other` gives pieces. Neither is changed, and
 * nothing becomes empty, which is refused before it is a picture.
 */
export function mutated(format: Format, seed: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  const mutations = [...ANY, ...OWN[format]];
  // A copy, and no Buffer, whose slices are none.
  let file: Uint8Array = new Uint8Array(seed);
  for (let k = random.oneIn(2) ? 0 : random.below(4); k >= 0 && file.length > 0; k--) {
    file = random.of(mutations)(file, random, other);
  }
  return file.length > 0 ? file.subarray(0, MAX_BYTES) : seed;
}
