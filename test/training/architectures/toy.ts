import { network } from '../../../training/architectures/network.ts';

/** A small network with a layer of each kind, in the ways in which the published ones use it. */
export const toy = network(
  { name: 'toy', title: 'Toy', paper: 'none', input: { name: 'input', shape: [35, 33, 3], deviation: 2 } },
  (net, input) => {
    const strided = net.conv('strided', net.zeroPad('zeros', input, 1), 8, 5, {
      stride: 2,
      pad: 2,
      activation: 'relu',
    });
    const norm = net.lrn('norm', strided, 5, 0.5, 0.75, 2);
    // The last windows reach two rows and one column beyond the map, or none.
    const thirds = net.maxPool('thirds', norm, 3, 3, { ceil: true });
    const halves = net.maxPool('halves', norm, 3, 2, { pad: 1 });
    const same = net.maxPool('same', net.maxPool('ceil', norm, 2, 2, { ceil: true }), 3, 1, { pad: 1 });
    const grouped = net.conv('grouped', same, 12, 3, { stride: 2, pad: 1, groups: 4 });
    const biasless = net.conv('biasless', grouped, 12, 3, { pad: 1, groups: 2, bias: false });
    const batch = net.batchNorm('batch', biasless, 1e-3);
    const hidden = net.conv('hidden', net.globalAveragePool('squeeze', batch, true), 5, 1, { activation: 'relu' });
    const gates = net.activation('gates', net.conv('excite', hidden, 12, 1), 'sigmoid');
    const sum = net.add('sum', [net.mul('scaled', [batch, gates]), grouped]);
    const mean = net.averagePool('mean', net.activation('relu', sum, 'relu'), 2, 2);
    const joined = net.concat('joined', [
      net.globalAveragePool('a', thirds, true),
      net.globalAveragePool('b', halves, true),
      net.globalAveragePool('c', mean, true),
    ]);
    const dense = net.dense('tanh', net.flatten('flat', joined), 9, 'tanh');
    const corner = net.dense('corner', net.flatten('flatten', mean), 9, 'relu');
    net.dense('scores', net.dropout('drop', net.add('both', [dense, corner]), 0.5), 7, 'softmax');
  },
);
