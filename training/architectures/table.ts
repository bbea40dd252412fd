import type { LayersModel } from '@tensorflow/tfjs-layers';
import { alexnet } from './alexnet.ts';
import { fashionMlp } from './fashion-mlp.ts';
import { googlenet } from './googlenet.ts';
import { lenet5 } from './lenet5.ts';
import type { Network } from './network.ts';
import { resnet50, resnet50Torch } from './resnet.ts';
import { senet154, seresnet50 } from './senet.ts';
import { vgg16, vgg19 } from './vgg.ts';
import { vggF, vggM, vggS } from './vgg-cnn.ts';

/** A network, and how it is trained unless the command line says otherwise. */
export interface Architecture {
  readonly title: string;
  /** `[height, width, channels]` */
  readonly shape: readonly [number, number, number];
  /** Initial weights follow from `seed`. */
  build(seed: number): LayersModel;
  readonly recipe: {
    readonly epochs: number;
    readonly batchSize: number;
    readonly learningRate: number;
  };
}

export const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  'fashion-mlp': {
    title: 'Fashion-MNIST, two dense layers',
    shape: [28, 28, 1],
    build: fashionMlp,
    recipe: { epochs: 20, batchSize: 32, learningRate: 0.001 },
  },
};

const LIST = [
  lenet5,
  alexnet,
  vggF,
  vggM,
  vggS,
  vgg16,
  vgg19,
  googlenet,
  resnet50,
  resnet50Torch,
  seresnet50,
  senet154,
];

/** Published networks by name: their layers, and float graphs of them with random weights. */
export const NETWORKS: ReadonlyMap<string, Network> = new Map(LIST.map((network) => [network.name, network]));
