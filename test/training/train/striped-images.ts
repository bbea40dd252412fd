import { network } from '../../../training/architectures/network.ts';
import type { Recipe } from '../../../training/architectures/recipe.ts';
import type { LabelledImages } from '../../../training/data/labelled-images.ts';
import { randomNumbers } from '../../../training/train/random.ts';

/** Images of noise, of which the left half is brighter in class 1 than in class 0. */
export function halves(count: number, side = 8, seed = 7): LabelledImages {
  const random = randomNumbers(seed);
  const labels = Uint8Array.from({ length: count }, (_, at) => at % 2);
  const images = Uint8Array.from({ length: count * side * side }, (_, at) => {
    const bright = labels[Math.floor(at / (side * side))] === 1 && at % side < side / 2;
    return Math.floor(random() * 100) + (bright ? 100 : 0);
  });
  return { images, shape: [side, side, 1], labels, classNames: ['even', 'left'], count };
}

/** With a batch norm, whose statistics move, and dropout, which is random. */
export const small = network(
  { name: 'small', title: 'small', paper: 'none', input: { name: 'input', shape: [8, 8, 1], deviation: 0.5 } },
  (net, input) => {
    const norm = net.batchNorm('norm', net.conv('conv', input, 4, 3, { pad: 1, bias: false }), 1e-3);
    const vector = net.flatten('flatten', net.maxPool('pool', net.activation('relu', norm, 'relu'), 2, 2));
    net.dense('scores', net.dropout('dropout', vector, 0.2), 2, 'softmax');
  },
);

export const recipe: Recipe = {
  epochs: 3,
  batchSize: 32,
  learningRate: 0.01,
  weightDecay: 0.01,
  labelSmoothing: 0.1,
  augmentation: { flip: false, shift: 1, erase: 0.1, zoom: 0, light: 0 },
};
