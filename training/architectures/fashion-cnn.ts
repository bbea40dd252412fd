import type { Shape } from '../graph/graph.ts';
import { convNorm } from './conv-norm.ts';
import { type Network, network } from './network.ts';

/**
 * Fewer than 100,000 parameters: three pairs of 3x3 convolutions, the maps halved and the filters doubled between them,
 * and a mean over the map instead of large dense layers (Lin, Chen, Yan 2014, arXiv 1312.4400, section 3.2).
 */
export function fashionCnn(shape: Shape, classes: number): Network {
  return network(
    {
      name: 'fashion-cnn',
      title: 'Six 3x3 convolutions',
      paper: 'after Simonyan and Zisserman 2015 and Lin et al. 2014, for this project',
      input: { name: 'input', shape, deviation: 0.5 },
    },
    (net, input) => {
      let value = input;
      for (const [index, filters] of [16, 32, 64].entries()) {
        const stage = index + 1;
        if (index > 0) value = net.maxPool(`pool${index}`, value, 2, 2);
        value = convNorm(net, `conv${stage}a`, value, filters, 3);
        value = convNorm(net, `conv${stage}b`, value, filters, 3);
      }
      const mean = net.dropout('dropout', net.globalAveragePool('mean', value), 0.1);
      net.dense('scores', mean, classes, 'softmax');
    },
  );
}
