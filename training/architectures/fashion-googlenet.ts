import type { Shape } from '../graph/graph.ts';
import type { NetworkBuilder } from './builder.ts';
import { convNorm } from './conv-norm.ts';
import { type Network, network } from './network.ts';

/** Filters of `#1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj`, as in the paper's table 1. */
type Filters = readonly [number, number, number, number, number, number];

/** Of the paper. */
const AUXILIARY_WEIGHT = 0.3;

/**
 * GoogLeNet (Szegedy et al. 2015) for small images: a stem, four inception modules, a mean over the map, and a second
 * classifier half way that only training uses. With batch norm (Ioffe and Szegedy 2015, section 4.2).
 */
export function fashionGooglenet(shape: Shape, classes: number): Network {
  return network(
    {
      name: 'fashion-googlenet',
      title: 'Small GoogLeNet',
      paper: 'after Szegedy et al. 2015, Going Deeper with Convolutions, arXiv 1409.4842',
      input: { name: 'input', shape, deviation: 0.5 },
    },
    (net, input) => {
      const first = net.maxPool('pool1', convNorm(net, 'conv1', input, 24, 3), 3, 2, { ceil: true });
      const stem = convNorm(net, 'conv2', convNorm(net, 'conv2_reduce', first, 24, 1), 48, 3);
      const third = inception(net, '3b', inception(net, '3a', stem, [16, 16, 24, 8, 8, 8]), [16, 16, 32, 8, 8, 8]);
      const fourth = inception(net, '4a', net.maxPool('pool3', third, 3, 2, { ceil: true }), [32, 24, 48, 8, 16, 16]);
      net.auxiliary(AUXILIARY_WEIGHT, () => {
        const mean = net.globalAveragePool('auxiliary/mean', convNorm(net, 'auxiliary/conv', fourth, 64, 1));
        net.dense('auxiliary/scores', net.dropout('auxiliary/dropout', mean, 0.3), classes, 'softmax');
      });
      const last = inception(net, '4b', fourth, [32, 24, 64, 8, 16, 16]);
      const mean = net.dropout('dropout', net.globalAveragePool('mean', last), 0.3);
      net.dense('scores', mean, classes, 'softmax');
    },
  );
}

function inception(net: NetworkBuilder, name: string, from: string, filters: Filters): string {
  const [one, threeReduce, three, fiveReduce, five, projected] = filters;
  const path = `inception_${name}`;
  const reduced = (kernel: 3 | 5, width: number) => convNorm(net, `${path}/${kernel}x${kernel}_reduce`, from, width, 1);
  return net.concat(`${path}/output`, [
    convNorm(net, `${path}/1x1`, from, one, 1),
    convNorm(net, `${path}/3x3`, reduced(3, threeReduce), three, 3),
    convNorm(net, `${path}/5x5`, reduced(5, fiveReduce), five, 5),
    convNorm(net, `${path}/pool_proj`, net.maxPool(`${path}/pool`, from, 3, 1, { pad: 1 }), projected, 1),
  ]);
}
