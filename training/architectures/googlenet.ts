import { network } from './network.ts';

/** Filters of `#1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj` (table 1 of the paper). */
type Filters = readonly [number, number, number, number, number, number];

const STAGES: readonly (readonly [name: string, filters: Filters])[][] = [
  [
    ['3a', [64, 96, 128, 16, 32, 32]],
    ['3b', [128, 128, 192, 32, 96, 64]],
  ],
  [
    ['4a', [192, 96, 208, 16, 48, 64]],
    ['4b', [160, 112, 224, 24, 64, 64]],
    ['4c', [128, 128, 256, 24, 64, 64]],
    ['4d', [112, 144, 288, 32, 64, 64]],
    ['4e', [256, 160, 320, 32, 128, 128]],
  ],
  [
    ['5a', [256, 160, 320, 32, 128, 128]],
    ['5b', [384, 192, 384, 48, 128, 128]],
  ],
];

/**
 * GoogLeNet (Szegedy et al. 2015, "Going Deeper with Convolutions", arXiv 1409.4842, table 1) in BVLC's version, without
 * the two classifiers that only training uses.
 */
export const googlenet = network(
  {
    name: 'googlenet',
    title: 'GoogLeNet',
    paper: 'Szegedy et al. 2015, Going Deeper with Convolutions, arXiv 1409.4842; BVLC',
    input: { name: 'data', shape: [224, 224, 3], deviation: 64 },
  },
  (net, input) => {
    const conv = (path: string, name: string, from: string, filters: number, kernel: number, stride = 1, of = name) => {
      const value = net.conv(`${path}/${name}`, from, filters, kernel, { stride, pad: (kernel - 1) / 2 });
      return net.activation(`${path}/relu_${of}`, value, 'relu');
    };
    const halve = (name: string, from: string) => net.maxPool(name, from, 3, 2, { ceil: true });

    const first = halve('pool1/3x3_s2', conv('conv1', '7x7_s2', input, 64, 7, 2, '7x7'));
    const reduced = conv('conv2', '3x3_reduce', net.lrn('pool1/norm1', first, 5, 1e-4, 0.75, 1), 64, 1);
    let value = net.lrn('conv2/norm2', conv('conv2', '3x3', reduced, 192, 3), 5, 1e-4, 0.75, 1);
    for (const [index, modules] of STAGES.entries()) {
      value = halve(`pool${index + 2}/3x3_s2`, value);
      for (const [name, [one, threeReduce, three, fiveReduce, five, projected]] of modules) {
        const path = `inception_${name}`;
        value = net.concat(`${path}/output`, [
          conv(path, '1x1', value, one, 1),
          conv(path, '3x3', conv(path, '3x3_reduce', value, threeReduce, 1), three, 3),
          conv(path, '5x5', conv(path, '5x5_reduce', value, fiveReduce, 1), five, 5),
          conv(path, 'pool_proj', net.maxPool(`${path}/pool`, value, 3, 1, { pad: 1 }), projected, 1),
        ]);
      }
    }
    const pooled = net.averagePool('pool5/7x7_s1', value, 7, 1);
    const vector = net.flatten('flatten', net.dropout('pool5/drop_7x7_s1', pooled, 0.4));
    net.activation('prob', net.dense('loss3/classifier', vector, 1000), 'softmax');
  },
);
