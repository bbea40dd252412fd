import { network } from './network.ts';

/**
 * LeNet-5 (LeCun, Bottou, Bengio, Haffner 1998, "Gradient-Based Learning Applied to Document Recognition", section II.B)
 * on 32x32, with the changes that give its usual 61,706 parameters: C3 reads all six maps of S2, subsampling is a plain
 * mean, the output is a softmax instead of radial basis functions. The paper's 1.7159 · tanh(2/3 · a) is tanh with
 * other weights.
 */
export const lenet5 = network(
  {
    name: 'lenet5',
    title: 'LeNet-5',
    paper: 'LeCun et al. 1998, Gradient-Based Learning Applied to Document Recognition',
    input: { name: 'input', shape: [32, 32, 1], deviation: 1 },
  },
  (net, input) => {
    const c1 = net.conv('C1', input, 6, 5, { activation: 'tanh' });
    const s2 = net.averagePool('S2', c1, 2, 2);
    const c3 = net.conv('C3', s2, 16, 5, { activation: 'tanh' });
    const s4 = net.averagePool('S4', c3, 2, 2);
    const c5 = net.flatten('flatten', net.conv('C5', s4, 120, 5, { activation: 'tanh' }));
    const f6 = net.dense('F6', c5, 84, 'tanh');
    net.dense('output', f6, 10, 'softmax');
  },
);
