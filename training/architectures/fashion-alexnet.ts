import type { Shape } from '../graph/graph.ts';
import { type Network, network } from './network.ts';

/**
 * AlexNet (Krizhevsky et al. 2012, figure 2) for small images: a large first kernel, overlapping pools, two towers that
 * meet at the third convolution and at the end, two dense layers with dropout. The paper's two groups are drawn as it
 * draws them, as towers of plain convolutions. Without its normalization, which brought nothing to later networks
 * (Simonyan and Zisserman 2015, section 4.1).
 */
export function fashionAlexnet(shape: Shape, classes: number): Network {
  return network(
    {
      name: 'fashion-alexnet',
      title: 'Small AlexNet, two towers',
      paper: 'after Krizhevsky et al. 2012, ImageNet Classification with Deep Convolutional Neural Networks',
      input: { name: 'input', shape, deviation: 0.5 },
    },
    (net, input) => {
      const conv = (name: string, from: string, filters: number, kernel: number) =>
        net.conv(name, from, filters, kernel, { pad: (kernel - 1) / 2, activation: 'relu' });
      const pool = (name: string, from: string) => net.maxPool(name, from, 3, 2, { ceil: true });
      const towers = ['a', 'b'];
      const second = towers.map((tower) => {
        const first = pool(`pool1${tower}`, conv(`conv1${tower}`, input, 12, 7));
        return pool(`pool2${tower}`, conv(`conv2${tower}`, first, 24, 5));
      });
      const both = net.concat('both', second);
      const fifth = towers.map((tower) => {
        const third = conv(`conv3${tower}`, both, 32, 3);
        return pool(`pool5${tower}`, conv(`conv5${tower}`, conv(`conv4${tower}`, third, 32, 3), 32, 3));
      });
      let value = net.flatten('flatten', net.concat('end', fifth));
      for (const number of [6, 7])
        value = net.dense(`fc${number}`, net.dropout(`drop${number}`, value, 0.5), 192, 'relu');
      net.dense('fc8', value, classes, 'softmax');
    },
  );
}
