import type { LayersModel } from '@tensorflow/tfjs-layers';
import { fashionMlp } from './fashion-mlp.ts';

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
