import type { Shape } from '../graph/graph.ts';
import { convNorm } from './conv-norm.ts';
import { type Network, network } from './network.ts';

/**
 * VGG (Simonyan and Zisserman 2015, table 1, column B with three stages) for small images: nothing but pairs of 3x3
 * convolutions, 2x2 maximum pools, and dense layers with dropout; with batch norm, as its later versions have.
 */
export function fashionVgg(shape: Shape, classes: number): Network {
  return network(
    {
      name: 'fashion-vgg',
      title: 'Small VGG',
      paper: 'after Simonyan and Zisserman 2015, Very Deep Convolutional Networks, arXiv 1409.1556',
      input: { name: 'input', shape, deviation: 0.5 },
    },
    (net, input) => {
      let value = input;
      for (const [index, filters] of [16, 32, 64].entries()) {
        const stage = index + 1;
        value = convNorm(net, `block${stage}_conv1`, value, filters, 3);
        value = convNorm(net, `block${stage}_conv2`, value, filters, 3);
        value = net.maxPool(`block${stage}_pool`, value, 2, 2);
      }
      value = net.flatten('flatten', value);
      for (const number of [1, 2])
        value = net.dropout(`drop${number}`, net.dense(`fc${number}`, value, 128, 'relu'), 0.4);
      net.dense('predictions', value, classes, 'softmax');
    },
  );
}
