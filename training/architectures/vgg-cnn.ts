import { caffeClassifier } from './caffe-classifier.ts';
import { type Network, network } from './network.ts';

/** A convolution, its ReLU, and what follows: LRN where `lrn`, max pooling `[kernel, stride]` where `pool`. */
interface Stage {
  readonly filters: number;
  readonly kernel: number;
  readonly stride: number;
  readonly pad: number;
  readonly lrn?: true;
  readonly pool?: readonly [kernel: number, stride: number];
}

/** Columns conv3 to conv5 of the table. */
const deep = (filters: number, pool: readonly [number, number]): Stage[] => {
  const stage = { filters, kernel: 3, stride: 1, pad: 1 };
  return [stage, stage, { ...stage, pool }];
};

/**
 * CNN-F, CNN-M and CNN-S (Chatfield, Simonyan, Vedaldi, Zisserman 2014, "Return of the Devil in the Details",
 * arXiv 1405.3531, table 1). Sizes that the table leaves open are those of the authors' released models: pooling in
 * Caffe's ceil mode, LRN as in Krizhevsky's paper (k 2, n 5, alpha 1e-4 for each channel, beta 0.75), and CNN-S' conv2
 * without the padding that the table gives it.
 */
const VARIANTS = {
  'vgg-f': {
    title: 'VGG-F (CNN-F, fast)',
    stages: [
      { filters: 64, kernel: 11, stride: 4, pad: 0, lrn: true, pool: [3, 2] },
      { filters: 256, kernel: 5, stride: 1, pad: 2, lrn: true, pool: [3, 2] },
      ...deep(256, [3, 2]),
    ],
  },
  'vgg-m': {
    title: 'VGG-M (CNN-M, medium)',
    stages: [
      { filters: 96, kernel: 7, stride: 2, pad: 0, lrn: true, pool: [3, 2] },
      { filters: 256, kernel: 5, stride: 2, pad: 1, lrn: true, pool: [3, 2] },
      ...deep(512, [3, 2]),
    ],
  },
  'vgg-s': {
    title: 'VGG-S (CNN-S, slow)',
    stages: [
      { filters: 96, kernel: 7, stride: 2, pad: 0, lrn: true, pool: [3, 3] },
      { filters: 256, kernel: 5, stride: 1, pad: 0, pool: [2, 2] },
      ...deep(512, [3, 3]),
    ],
  },
} satisfies Record<string, { title: string; stages: readonly Stage[] }>;

function vggCnn(name: keyof typeof VARIANTS): Network {
  const { title, stages } = VARIANTS[name];
  const paper = 'Chatfield et al. 2014, Return of the Devil in the Details, arXiv 1405.3531, table 1';
  return network({ name, title, paper, input: { name: 'data', shape: [224, 224, 3], deviation: 64 } }, (net, input) => {
    let value = input;
    for (const [index, { filters, kernel, stride, pad, lrn, pool }] of (stages as readonly Stage[]).entries()) {
      const number = index + 1;
      const conv = net.conv(`conv${number}`, value, filters, kernel, { stride, pad });
      value = net.activation(`relu${number}`, conv, 'relu');
      if (lrn) value = net.lrn(`norm${number}`, value, 5, 5e-4, 0.75, 2);
      if (pool) value = net.maxPool(`pool${number}`, value, ...pool, { ceil: true });
    }
    caffeClassifier(net, value);
  });
}

export const [vggF, vggM, vggS] = [vggCnn('vgg-f'), vggCnn('vgg-m'), vggCnn('vgg-s')];
