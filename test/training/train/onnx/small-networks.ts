import type { NetworkBuilder } from '../../../../training/architectures/builder.ts';
import { type Network, network } from '../../../../training/architectures/network.ts';
import type { Shape } from '../../../../training/graph/graph.ts';

/** One network for each thing that can go wrong in a gradient; each ends in five scores. */

function small(name: string, shape: Shape, body: (net: NetworkBuilder, input: string) => string): Network {
  return network({ name, title: name, paper: 'none', input: { name: 'input', shape, deviation: 1 } }, (net, input) => {
    net.dense('scores', body(net, input), 5, 'softmax');
  });
}

const pooled = (net: NetworkBuilder, from: string) => net.globalAveragePool('mean', from);

/** A first convolution, so that what is looked at has an input whose gradient counts. */
const after = (name: string, shape: Shape, body: (net: NetworkBuilder, map: string) => string) =>
  small(name, shape, (net, input) => body(net, net.conv('first', input, 6, 3, { pad: 1, activation: 'tanh' })));

export const SMALL: readonly Network[] = [
  small('dense layers', [1, 1, 7], (net, input) =>
    net.dense('b', net.dense('a', net.flatten('flat', input), 9, 'tanh'), 6, 'sigmoid'),
  ),
  small('batch norm of vectors', [3, 2, 2], (net, input) =>
    net.activation('relu', net.batchNorm('norm', net.dense('a', net.flatten('flat', input), 9), 1e-3), 'relu'),
  ),
  after('batch norm of maps', [6, 5, 2], (net, map) => pooled(net, net.batchNorm('norm', map, 1e-2, 0.5))),
  after('order of flattened maps', [4, 3, 2], (net, map) => net.flatten('flat', map)),
  after('conv without padding, not square', [7, 6, 3], (net, map) => pooled(net, net.conv('c', map, 5, 3))),
  after('conv of many channels', [6, 6, 3], (net, map) =>
    pooled(net, net.conv('c', net.conv('wide', map, 12, 1), 9, 3, { pad: 1, activation: 'sigmoid' })),
  ),
  // Whole blocks of 8 and of 16 channels are computed in another layout.
  after('convs of whole blocks', [7, 6, 3], (net, map) => {
    const wide = net.conv('wide', map, 16, 1);
    const kept = net.conv('kept', wide, 32, 3, { pad: 1, activation: 'tanh' });
    return pooled(net, net.conv('halved', net.conv('valid', kept, 16, 3), 48, 3, { pad: 1, stride: 2 }));
  }),
  // 16 filters: their gradients are computed in that layout too, strides and rows left out included.
  after('conv of whole blocks that leaves rows out', [8, 7, 3], (net, map) =>
    pooled(net, net.conv('c', net.conv('wide', map, 16, 5, { pad: 1 }), 16, 3, { stride: 2 })),
  ),
  after('conv that leaves rows out', [8, 7, 3], (net, map) =>
    pooled(net, net.conv('c', map, 8, 3, { stride: 2, pad: 1, bias: false, activation: 'tanh' })),
  ),
  after('conv 1x1 with stride', [6, 5, 2], (net, map) => pooled(net, net.conv('c', map, 8, 1, { stride: 2 }))),
  after('conv in groups', [5, 6, 2], (net, map) =>
    pooled(net, net.activation('a', net.conv('c', map, 8, 3, { pad: 1, groups: 2 }), 'tanh')),
  ),
  after('conv padded beyond its kernel', [4, 4, 2], (net, map) => pooled(net, net.conv('c', map, 4, 2, { pad: 2 }))),
  after('maximum of windows apart', [6, 4, 2], (net, map) => net.flatten('flat', net.maxPool('p', map, 2, 2))),
  after('maximum that leaves a row out', [7, 5, 2], (net, map) => net.flatten('flat', net.maxPool('p', map, 2, 2))),
  after('maximum of windows that overlap', [7, 7, 2], (net, map) => net.flatten('flat', net.maxPool('p', map, 3, 2))),
  after('mean of windows', [6, 4, 2], (net, map) => net.flatten('flat', net.averagePool('p', map, 2, 2))),
  after('mean of windows that overlap', [7, 5, 2], (net, map) => net.flatten('flat', net.averagePool('p', map, 3, 2))),
  after('lrn', [4, 4, 2], (net, map) => net.flatten('flat', net.lrn('n', map, 3, 0.9, 0.75, 1.5))),
  after('a value read three times', [4, 4, 2], (net, map) => {
    const other = net.conv('other', map, 6, 1);
    return pooled(net, net.mul('mul', [net.add('add', [map, other]), net.activation('act', map, 'sigmoid')]));
  }),
  after('gates', [5, 4, 2], (net, map) => {
    const gates = net.conv('gates', net.globalAveragePool('squeeze', map, true), 6, 1, { activation: 'sigmoid' });
    return net.flatten('flat', net.mul('mul', [map, gates]));
  }),
  after('joined and padded', [4, 5, 2], (net, map) => {
    const other = net.conv('other', map, 4, 3, { pad: 1, activation: 'relu' });
    const padded = net.zeroPad('zeros', net.concat('joined', [other, map, other]), 1);
    return pooled(net, net.conv('last', padded, 5, 3, { activation: 'tanh' }));
  }),
];
