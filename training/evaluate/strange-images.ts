import type { ModelInput } from '../../functions/catalogue/manifest.ts';
import { readImageFolder } from '../data/image-folder.ts';
import type { LabelledImages } from '../data/labelled-images.ts';

/** Images that a network was not made for, prepared as its own are. */
export interface StrangeImages {
  readonly name: string;
  readonly data: LabelledImages;
}

const NOISES = 500;
/** So that the same noise comes again. */
const SEED = 0x9e3779b9;
/** Enough for a figure, and soon read. */
const MAX_IMAGES = 2000;

/** @param folder `name=DIR`, or a folder that is called after its last part */
export async function strangeFolder(
  folder: string,
  input: ModelInput,
  classNames: readonly string[],
): Promise<StrangeImages> {
  const [, given, dir = folder] = /^([^=/]+)=(.+)$/.exec(folder) ?? [];
  const { images } = await readImageFolder(dir, input, MAX_IMAGES);
  const name = given ?? dir.split('/').filter(Boolean).at(-1) ?? dir;
  return {
    name,
    data: together(
      images.map(({ pixels }) => pixels),
      input,
      classNames,
    ),
  };
}

/** Pixels of uniform noise, half of the images of 4 x 4 pixels a value, so that there are shapes to see. */
export function noise(input: ModelInput, classNames: readonly string[]): StrangeImages {
  const { height, width } = input;
  const channels = input.channels === 'grey' ? 1 : 3;
  let state = SEED;
  // Marsaglia 2003, xorshift32.
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 255;
  };
  const images = Array.from({ length: NOISES }, (_, n) => {
    const cell = n % 2 === 0 ? 1 : 4;
    const columns = Math.ceil(width / cell);
    const cells = Array.from({ length: columns * Math.ceil(height / cell) * channels }, next);
    return Uint8Array.from({ length: height * width * channels }, (_, at) => {
      const [c, pixel] = [at % channels, Math.floor(at / channels)];
      const [x, y] = [Math.floor((pixel % width) / cell), Math.floor(Math.floor(pixel / width) / cell)];
      return cells[(y * columns + x) * channels + c] ?? 0;
    });
  });
  return { name: 'noise', data: together(images, input, classNames) };
}

function together(
  images: readonly Uint8Array[],
  { height, width, channels }: ModelInput,
  classNames: readonly string[],
): LabelledImages {
  const shape = [height, width, channels === 'grey' ? 1 : 3] as const;
  const bytes = shape[0] * shape[1] * shape[2];
  const all = new Uint8Array(images.length * bytes);
  for (const [at, pixels] of images.entries()) all.set(pixels, at * bytes);
  return { images: all, shape, labels: new Uint8Array(images.length), classNames, count: images.length };
}
