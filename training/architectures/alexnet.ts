import { caffeClassifier } from './caffe-classifier.ts';
import { network } from './network.ts';

/**
 * AlexNet (Krizhevsky, Sutskever, Hinton 2012, "ImageNet Classification with Deep Convolutional Neural Networks",
 * section 3.5) with two groups, in BVLC's version: 227x227, and LRN with k 1 and alpha over its 5 channels, where the
 * paper has k 2 and alpha for each of them.
 */
export const alexnet = network(
  {
    name: 'alexnet',
    title: 'AlexNet, two groups',
    paper: 'Krizhevsky et al. 2012, ImageNet Classification with Deep Convolutional Neural Networks; BVLC',
    input: { name: 'data', shape: [227, 227, 3], deviation: 64 },
  },
  (net, input) => {
    const block = (number: number, from: string, filters: number, kernel: number, stride: number, groups: number) => {
      const options = { stride, pad: stride === 1 ? (kernel - 1) / 2 : 0, groups };
      return net.activation(`relu${number}`, net.conv(`conv${number}`, from, filters, kernel, options), 'relu');
    };
    const normed = (number: number, from: string) => {
      const norm = net.lrn(`norm${number}`, from, 5, 1e-4, 0.75, 1);
      return net.maxPool(`pool${number}`, norm, 3, 2, { ceil: true });
    };
    const first = normed(1, block(1, input, 96, 11, 4, 1));
    const second = normed(2, block(2, first, 256, 5, 1, 2));
    const fourth = block(4, block(3, second, 384, 3, 1, 1), 384, 3, 1, 2);
    const fifth = block(5, fourth, 256, 3, 1, 2);
    caffeClassifier(net, net.maxPool('pool5', fifth, 3, 2, { ceil: true }));
  },
);
