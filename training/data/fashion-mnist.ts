import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { downloadFirst, NoSpaceError } from './download.ts';
import { DataError } from './errors.ts';
import { type Idx, parseIdx, unpack } from './idx.ts';
import type { LabelledImages } from './labelled-images.ts';

/**
 * Fashion-MNIST (Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747): 60,000 training and 10,000 test images of garments,
 * 28x28 grey, the garment light on black, ten classes. MIT licence, Zalando SE.
 */
export const CLASS_NAMES = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
] as const;

const SHAPE = [28, 28, 1] as const;

export type Split = 'train' | 'test';

interface OfficialFile {
  /** Without `.gz`. */
  readonly name: string;
  /** Of the unpacked bytes: gzipping anew changes the packed ones. */
  readonly md5: string;
  readonly shape: readonly number[];
}

const OFFICIAL: Readonly<Record<Split, { readonly images: OfficialFile; readonly labels: OfficialFile }>> = {
  train: {
    images: { name: 'train-images-idx3-ubyte', md5: 'f4a8712d7a061bf5bd6d2ca38dc4d50a', shape: [60_000, 28, 28] },
    labels: { name: 'train-labels-idx1-ubyte', md5: '9018921c3c673c538a1fc5bad174d6f9', shape: [60_000] },
  },
  test: {
    images: { name: 't10k-images-idx3-ubyte', md5: '8181f5470baa50b63fa0f6fddb340f0a', shape: [10_000, 28, 28] },
    labels: { name: 't10k-labels-idx1-ubyte', md5: '15d484375f8d13e6eb1aabb0c3f46965', shape: [10_000] },
  },
};

/** Where the authors publish the four `.gz` files; tried in this order. */
const OFFICIAL_ADDRESSES = [
  'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/',
  'https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/',
];

/** Filled by downloads; not in git. */
export const DEFAULT_CACHE = '.cache/fashion-mnist';

export interface Source {
  /** A folder with the official files, gzipped or not. Without it, {@link DEFAULT_CACHE}, filled where it lacks any. */
  readonly dir?: string | undefined;
  /** Where to download from, each ending in `/`. */
  readonly addresses?: readonly string[];
}

/** @throws DataError where a file is missing and cannot be had, or is not the official one */
export async function loadFashionMnist(split: Split, source: Source = {}): Promise<LabelledImages> {
  const images = await load(OFFICIAL[split].images, source);
  const labels = await load(OFFICIAL[split].labels, source);
  return {
    images: images.values,
    shape: SHAPE,
    labels: labels.values,
    classNames: CLASS_NAMES,
    count: labels.values.length,
  };
}

async function load(file: OfficialFile, { dir, addresses = OFFICIAL_ADDRESSES }: Source): Promise<Idx> {
  const folder = dir ?? DEFAULT_CACHE;
  const found = [`${file.name}.gz`, file.name].map((name) => path.join(folder, name)).find(existsSync);
  if (found) return check(await readFile(found), file, found);
  if (dir !== undefined) throw new DataError(`${path.join(dir, file.name)}.gz is missing. ${whereToPut(dir)}`);
  return fetchOfficial(file, path.join(folder, `${file.name}.gz`), addresses);
}

/** Whatever is kept under `target` is the official file. */
async function fetchOfficial(file: OfficialFile, target: string, addresses: readonly string[]): Promise<Idx> {
  try {
    return await downloadFirst(
      addresses.map((address) => `${address}${file.name}.gz`),
      target,
      { accept: async (part, url) => check(await readFile(part), file, url), maxBytes: bytesOf(file) },
    );
  } catch (error) {
    if (error instanceof NoSpaceError || !(error instanceof DataError)) throw error;
    throw new DataError(`${error.message}\nFashion-MNIST cannot be downloaded. ${whereToPut(path.dirname(target))}`);
  }
}

/** @returns the parsed file. @throws DataError where it is not the official one */
function check(packed: Uint8Array, file: OfficialFile, name: string): Idx {
  const bytes = unpack(packed, name, bytesOf(file));
  const idx = parseIdx(bytes, name);
  if (idx.shape.join() !== file.shape.join()) {
    throw new DataError(`${name} holds ${idx.shape.join(' x ')} values; the official file ${file.shape.join(' x ')}.`);
  }
  const md5 = createHash('md5').update(bytes).digest('hex');
  if (md5 !== file.md5) {
    throw new DataError(`${name} is not the official file: md5 ${md5} unpacked, not ${file.md5}. Get it again.`);
  }
  return idx;
}

/** Of the unpacked file; packed it is never longer. */
function bytesOf({ shape }: OfficialFile): number {
  return 4 + 4 * shape.length + shape.reduce((product, size) => product * size, 1);
}

function whereToPut(folder: string): string {
  const names = Object.values(OFFICIAL).flatMap(({ images, labels }) =>
    [images, labels].map(({ name }) => `${name}.gz`),
  );
  return [
    `Put the four official files, gzipped or not, into ${path.resolve(folder)}:`,
    ...names.map((name) => `  ${name}`),
    `They are at ${OFFICIAL_ADDRESSES.join(' and ')}`,
  ].join('\n');
}
