import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ModelInput } from '../../functions/catalogue/manifest.ts';
import { DataError } from './errors.ts';
import { parseIdx, unpack } from './idx.ts';
import { prepareOrSkip, preparer, type Skipped } from './prepare.ts';

export interface PreparedImage {
  /** Path below the folder. */
  readonly name: string;
  /** uint8 `[height, width, channels]`, as the model takes it. */
  readonly pixels: Uint8Array;
}

export interface ImageFolder {
  readonly images: readonly PreparedImage[];
  /** Pictures that could not be used, and why. */
  readonly skipped: readonly Skipped[];
}

export const PICTURE = /\.(jpe?g|png|webp)$/i;
const IDX = 'train-images-idx3-ubyte';
const MAX_IDX_BYTES = 2 ** 28;

/**
 * Pictures of a folder and the folders in it, prepared by the code that prepares them at the edge: `limit` of them,
 * evenly from all in the order of their names, so that classes kept in folders all have a share. A folder with
 * MNIST's training file gives images of that.
 * @throws DataError where there is no folder, or no picture in it that can be used
 */
export async function readImageFolder(
  dir: string,
  input: ModelInput,
  limit: number,
  progress: (done: number, of: number) => void = () => {},
): Promise<ImageFolder> {
  const idx = [`${IDX}.gz`, IDX].map((name) => path.join(dir, name)).find((file) => existsSync(file));
  if (idx) return readIdxImages(idx, input, limit);
  const files = await readdir(dir, { recursive: true, encoding: 'utf8' }).catch(() => {
    throw new DataError(`${dir} is no folder that can be read: give one with JPEG, PNG or WebP pictures.`);
  });
  const names = evenly(files.filter((file) => PICTURE.test(file)).sort(), limit);
  const prepare = preparer(input);
  const images: PreparedImage[] = [];
  const skipped: Skipped[] = [];
  for (const [index, name] of names.entries()) {
    const prepared = await prepareOrSkip(prepare, name, await readFile(path.join(dir, name)));
    if (prepared instanceof Uint8Array) images.push({ name, pixels: prepared });
    else skipped.push(prepared);
    progress(index + 1, names.length);
  }
  if (images.length === 0) {
    const broken = skipped[0] ? ` that can be read (${skipped[0].name}: ${skipped[0].why})` : '';
    throw new DataError(
      `${dir} holds no JPEG, PNG or WebP picture${broken}: give a folder of pictures of the model's kind.`,
    );
  }
  return { images, skipped };
}

function readIdxImages(file: string, input: ModelInput, limit: number): ImageFolder {
  const name = path.basename(file);
  const { shape, values } = parseIdx(unpack(readFileSync(file), name, MAX_IDX_BYTES), name);
  const [count = 0, height, width] = shape;
  if (shape.length !== 3 || height !== input.height || width !== input.width || input.channels !== 'grey') {
    throw new DataError(
      `${name} holds grey images of ${width}x${height}; the model takes ${input.width}x${input.height} ${input.channels}.`,
    );
  }
  const bytes = height * width;
  const numbers = evenly([...Array(count).keys()], limit);
  const images = numbers.map((n) => ({ name: `${name}#${n}`, pixels: values.subarray(n * bytes, (n + 1) * bytes) }));
  return { images, skipped: [] };
}

/** `limit` of them, spread over all. */
export function evenly<T>(items: readonly T[], limit: number): T[] {
  if (items.length <= limit) return [...items];
  return items.filter(
    (_, index) => Math.floor((index * limit) / items.length) !== Math.floor(((index + 1) * limit) / items.length),
  );
}
