import type { Shape } from '../graph/graph.ts';
import { EPSILON } from './conv-norm.ts';
import { type Network, network } from './network.ts';

/**
 * LeNet-5 (LeCun, Bottou, Bengio, Haffner 1998, "Gradient-Based Learning Applied to Document Recognition", section II.B)
 * with the changes that give its usual 61,706 parameters: C3 reads all six maps of S2, subsampling is a plain mean, the
 * output is a softmax instead of radial basis functions. The paper's 1.7159 · tanh(2/3 · a) is tanh with other weights.
 * The paper centres 28x28 in 32x32: here C1 has the two zeros on each side.
 */
export function lenet5(shape: Shape, classes: number): Network {
  return network(
    {
      name: 'lenet5',
      title: 'LeNet-5',
      paper: 'LeCun et al. 1998, Gradient-Based Learning Applied to Document Recognition',
      input: { name: 'input', shape, deviation: 0.5 },
    },
    (net, input) => {
      const c1 = net.conv('C1', input, 6, 5, { pad: 2, activation: 'tanh' });
      const s2 = net.averagePool('S2', c1, 2, 2);
      const c3 = net.conv('C3', s2, 16, 5, { activation: 'tanh' });
      const s4 = net.averagePool('S4', c3, 2, 2);
      const c5 = net.flatten('flatten', net.conv('C5', s4, 120, 5, { activation: 'tanh' }));
      net.dense('output', net.dense('F6', c5, 84, 'tanh'), classes, 'softmax');
    },
  );
}

/** The same layers as one would build them today: batch norm and ReLU for tanh, maximum for mean. */
export function lenet5Modern(shape: Shape, classes: number): Network {
  return network(
    {
      name: 'lenet5-modern',
      title: 'LeNet-5 with ReLU, batch norm and max pooling',
      paper: 'after LeCun et al. 1998; Ioffe and Szegedy 2015, arXiv 1502.03167',
      input: { name: 'input', shape, deviation: 0.5 },
    },
    (net, input) => {
      const block = (name: string, from: string, filters: number, pad: number) => {
        const norm = net.batchNorm(`${name}/norm`, net.conv(name, from, filters, 5, { pad, bias: false }), EPSILON);
        return net.activation(`${name}/relu`, norm, 'relu');
      };
      const s2 = net.maxPool('S2', block('C1', input, 6, 2), 2, 2);
      const s4 = net.maxPool('S4', block('C3', s2, 16, 0), 2, 2);
      const c5 = net.flatten('flatten', block('C5', s4, 120, 0));
      net.dense('output', net.dense('F6', c5, 84, 'relu'), classes, 'softmax');
    },
  );
}
