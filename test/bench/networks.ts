import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Feeding, Preset } from '../../training/compile/presets.ts';
import type { Graph } from '../../training/graph/graph.ts';
import { fixturesDir, shared } from '../fixtures/shared.ts';
import { vgg16Convolutions } from './vgg16.ts';

/** What is asked of the bench cannot be benched here: says why. */
export class BenchError extends Error {}

/** A network to bench: a file of an importer, or a graph that stands in no file. */
export interface BenchNetwork {
  readonly source: string | (() => Graph);
  /** How pictures become its input, and a folder with some. */
  readonly feeding: Preset | Feeding;
  readonly pictures: string;
}

const root = path.join(import.meta.dirname, '../..');
const model = (id: string) => path.join(root, `models/${id}/model.json`);

export const NETWORKS: Readonly<Record<string, () => BenchNetwork>> = {
  resnet50: () => imagenet('weights/resnet50.onnx', 'imagenet-torch'),
  vgg16: () => ({
    source: vgg16Convolutions,
    feeding: 'imagenet-caffe',
    pictures: needed('data/imagenet-sample'),
  }),
  googlenet: () => imagenet('weights/googlenet.onnx', 'imagenet-caffe'),
  'mobilenet-v2': () =>
    imagenet('weights/mobilenet-v2-imagenet/model.onnx', {
      channels: 'rgb',
      scale: [0.0078125],
      offset: [-1],
      resize: 'crop',
    }),
  'fashion-mlp': () => fashion([model('fashion-mlp-float'), model('fashion-mlp')].find(existsSync) ?? ''),
  'fashion-cnn': () => fashion(needed('weights/fashion-cnn-keras3/model.h5')),
};

const imagenet = (weights: string, feeding: Preset | Feeding): BenchNetwork => ({
  source: needed(weights),
  feeding,
  pictures: needed('data/imagenet-sample'),
});

const fashion = (source: string): BenchNetwork => ({
  source,
  feeding: 'fashion',
  pictures: needed('data/fashion-mnist'),
});

function needed(relative: string): string {
  const file = shared(relative);
  if (!file) throw new BenchError(`${relative} is not in FIXTURES_DIR (${fixturesDir})`);
  return file;
}
