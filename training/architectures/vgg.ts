import { type Network, network } from './network.ts';

const FILTERS = [64, 128, 256, 512, 512];

/**
 * Simonyan, Zisserman 2015, "Very Deep Convolutional Networks for Large-Scale Image Recognition", arXiv 1409.1556, table
 * 1, as in Keras, whose names these are.
 * @param depths convolutions in each of the five blocks
 */
function vgg(name: string, configuration: string, depths: readonly number[]): Network {
  const about = {
    name,
    title: name.toUpperCase(),
    paper: `Simonyan and Zisserman 2015, arXiv 1409.1556, table 1, configuration ${configuration}; Keras`,
    input: { name: 'input', shape: [224, 224, 3], deviation: 64 },
  } as const;
  return network(about, (net, input) => {
    let value = input;
    for (const [index, depth] of depths.entries()) {
      const block = `block${index + 1}`;
      for (let i = 1; i <= depth; i++)
        value = net.conv(`${block}_conv${i}`, value, FILTERS[index] ?? 0, 3, { pad: 1, activation: 'relu' });
      value = net.maxPool(`${block}_pool`, value, 2, 2);
    }
    const first = net.dense('fc1', net.flatten('flatten', value), 4096, 'relu');
    net.dense('predictions', net.dense('fc2', first, 4096, 'relu'), 1000, 'softmax');
  });
}

export const vgg16 = vgg('vgg16', 'D', [2, 2, 3, 3, 3]);
export const vgg19 = vgg('vgg19', 'E', [2, 2, 4, 4, 4]);
