import { existsSync } from 'node:fs';
import path from 'node:path';
import type { ModelInput } from '../../functions/catalogue/manifest.ts';
import { loadFashionMnist } from './fashion-mnist.ts';
import { loadImageFolder } from './labelled-folder.ts';
import type { LabelledImages } from './labelled-images.ts';
import type { Skipped } from './prepare.ts';
import { withoutValidation } from './validation.ts';

/** What a network is trained on. The test images are not among it. */
export interface TrainingSet {
  readonly training: LabelledImages;
  readonly validation: LabelledImages;
  readonly input: ModelInput;
  /** For title and card. */
  readonly name: string;
  readonly source: string;
  readonly skipped: readonly Skipped[];
}

const FASHION_INPUT: ModelInput = {
  width: 28,
  height: 28,
  channels: 'grey',
  resize: { rule: 'fashion' },
  scale: [1 / 255],
  offset: [0],
};
const FILES = ['train-images-idx3-ubyte.gz', 'train-images-idx3-ubyte'];

/**
 * Fashion-MNIST, or a folder with a sub-folder a class.
 * @param dir with Fashion-MNIST's files or with sub-folders; undefined is Fashion-MNIST, downloaded where need be
 * @throws DataError where there is nothing to train on
 */
export async function loadTrainingSet(
  dir: string | undefined,
  pictures: { readonly size: number; readonly channels: 'grey' | 'rgb' },
  progress: (done: number, of: number) => void,
): Promise<TrainingSet> {
  if (dir === undefined || FILES.some((name) => existsSync(path.join(dir, name)))) {
    return {
      ...withoutValidation(await loadFashionMnist('train', { dir })),
      input: FASHION_INPUT,
      name: 'Fashion-MNIST',
      source: 'the training images of Fashion-MNIST (Zalando SE, MIT licence)',
      skipped: [],
    };
  }
  const { train, validation, input, skipped } = await loadImageFolder(dir, { ...pictures, progress });
  const name = path.basename(path.resolve(dir));
  return { training: train, validation, input, name, source: `the training images of the folder ${name}`, skipped };
}
