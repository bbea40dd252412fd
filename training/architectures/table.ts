import type { Shape } from '../graph/graph.ts';
import { alexnet } from './alexnet.ts';
import { fashionAlexnet } from './fashion-alexnet.ts';
import { fashionCnn } from './fashion-cnn.ts';
import { fashionGooglenet } from './fashion-googlenet.ts';
import { fashionMlp } from './fashion-mlp.ts';
import { fashionResnet } from './fashion-resnet.ts';
import { fashionSenet } from './fashion-senet.ts';
import { fashionVgg } from './fashion-vgg.ts';
import { googlenet } from './googlenet.ts';
import { lenet5, lenet5Modern } from './lenet5.ts';
import type { Network } from './network.ts';
import type { Recipe } from './recipe.ts';
import { resnet50, resnet50Torch } from './resnet.ts';
import { senet154, seresnet50 } from './senet.ts';
import { vgg16, vgg19 } from './vgg.ts';
import { vggF, vggM, vggS } from './vgg-cnn.ts';

/** A network that is trained here, for images of any size and any number of classes. */
export interface Architecture {
  network(shape: Shape, classes: number): Network;
  readonly recipe: Recipe;
}

const NOTHING = { flip: false, shift: 0, erase: 0, zoom: 0, light: 0 };
const GENTLE = { ...NOTHING, flip: true, shift: 1 };
const STRONG = { ...NOTHING, flip: true, shift: 2, erase: 0.25 };

const PLAIN: Recipe = {
  epochs: 20,
  batchSize: 64,
  learningRate: 0.002,
  weightDecay: 0.01,
  labelSmoothing: 0,
  augmentation: NOTHING,
};
const NORMED: Recipe = {
  epochs: 15,
  batchSize: 128,
  learningRate: 0.006,
  weightDecay: 0.05,
  labelSmoothing: 0.05,
  augmentation: STRONG,
};

/** By name. */
export const ARCHITECTURES: ReadonlyMap<string, Architecture> = new Map<string, Architecture>([
  ['fashion-mlp', { network: fashionMlp, recipe: { ...PLAIN, epochs: 30 } }],
  ['lenet5', { network: lenet5, recipe: { ...PLAIN, epochs: 30, augmentation: GENTLE } }],
  ['lenet5-modern', { network: lenet5Modern, recipe: { ...NORMED, epochs: 30, augmentation: GENTLE } }],
  ['fashion-cnn', { network: fashionCnn, recipe: { ...NORMED, epochs: 25, augmentation: GENTLE } }],
  ['fashion-alexnet', { network: fashionAlexnet, recipe: { ...NORMED, learningRate: 0.001, augmentation: GENTLE } }],
  ['fashion-vgg', { network: fashionVgg, recipe: { ...NORMED, learningRate: 0.004, augmentation: GENTLE } }],
  ['fashion-googlenet', { network: fashionGooglenet, recipe: NORMED }],
  ['fashion-resnet', { network: fashionResnet, recipe: { ...NORMED, epochs: 20 } }],
  ['fashion-senet', { network: fashionSenet, recipe: NORMED }],
]);

const FASHION_SHAPE = [28, 28, 1] as const;
const FASHION_CLASSES = 10;

const LIST = [
  ...[...ARCHITECTURES.values()].map(({ network }) => network(FASHION_SHAPE, FASHION_CLASSES)),
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

/** All networks by name: their layers, and float graphs of them with random weights. Ours as for Fashion-MNIST. */
export const NETWORKS: ReadonlyMap<string, Network> = new Map(LIST.map((network) => [network.name, network]));
