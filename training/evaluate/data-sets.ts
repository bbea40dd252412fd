import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Manifest } from '../../functions/catalogue/manifest.ts';
import { DataError } from '../data/errors.ts';
import { CLASS_NAMES, loadFashionMnist } from '../data/fashion-mnist.ts';
import { loadFolderAs } from '../data/labelled-folder.ts';
import type { LabelledImages } from '../data/labelled-images.ts';
import type { Skipped } from '../data/prepare.ts';
import { withoutValidation } from '../data/validation.ts';

/** What a model is measured on. */
export interface DataSet {
  /** As manifest and card call it. */
  readonly name: string;
  readonly test: LabelledImages & { readonly names?: readonly string[] };
  /** What there is to train on, and the part of it that `train` holds out. */
  training(): Promise<{ readonly training: LabelledImages; readonly validation: LabelledImages }>;
  readonly skipped: readonly Skipped[];
}

/**
 * Fashion-MNIST for a network that tells its classes apart, unless `dir` is a folder with others; for any other network a folder
 * with a sub-folder a class, prepared and split as `train` does it.
 * @throws DataError where the network was made for other images or other classes
 */
export async function dataSetFor(
  manifest: Manifest,
  names: readonly string[],
  dir: string | undefined,
  progress: (done: number, of: number) => void,
): Promise<DataSet> {
  const data = isFashion(manifest, names, dir) ? await fashion(dir) : await folder(manifest, dir, progress);
  const { classNames } = data.test;
  if (names.length !== classNames.length || names.some((name, at) => name !== classNames[at])) {
    throw new DataError(
      `${manifest.id} tells other classes apart (${first(names)}) than ${dir ?? 'Fashion-MNIST'} has (${first(classNames)}).`,
    );
  }
  return data;
}

const FILES = ['t10k-images-idx3-ubyte.gz', 't10k-images-idx3-ubyte'];

function isFashion({ input }: Manifest, names: readonly string[], dir: string | undefined): boolean {
  if (dir !== undefined && FILES.some((name) => existsSync(path.join(dir, name)))) {
    if (input.width === 28 && input.height === 28 && input.channels === 'grey') return true;
    throw new DataError(
      `The network takes ${input.width}x${input.height} ${input.channels}; Fashion-MNIST (${dir}) is 28x28 grey.`,
    );
  }
  const own = names.length === CLASS_NAMES.length && CLASS_NAMES.every((name, at) => name === names[at]);
  // Of a folder without the files and without folders of classes the message of Fashion-MNIST says what is missing.
  return own && input.channels === 'grey' && !(dir !== undefined && CLASS_NAMES.some((name) => hasClass(dir, name)));
}

const hasClass = (dir: string, name: string) => ['.', 'train'].some((part) => existsSync(path.join(dir, part, name)));

async function fashion(dir: string | undefined): Promise<DataSet> {
  return {
    name: 'Fashion-MNIST test',
    test: await loadFashionMnist('test', { dir }),
    training: async () => {
      const training = await loadFashionMnist('train', { dir });
      return { training, validation: withoutValidation(training).validation };
    },
    skipped: [],
  };
}

async function folder(
  { id, input }: Manifest,
  dir: string | undefined,
  progress: (done: number, of: number) => void,
): Promise<DataSet> {
  if (dir === undefined) {
    throw new DataError(`Say where the pictures are that ${id} is measured on: --data FOLDER, a sub-folder a class.`);
  }
  const { train, validation, test, skipped } = await loadFolderAs(input, dir, { progress });
  return {
    name: `${path.basename(path.resolve(dir))} test`,
    test,
    training: async () => ({ training: train, validation }),
    skipped,
  };
}

const first = (names: readonly string[]) => `${names.slice(0, 5).join(', ')}${names.length > 5 ? ' …' : ''}`;
