import type { Graph, Node } from '../../training/graph/graph.ts';
import { randomNumbers } from '../../training/train/random.ts';

/** Convolutions 3x3 of 224x224, with a pool behind each block (Simonyan and Zisserman 2015, configuration D). */
const BLOCKS = [
  [64, 64],
  [128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [512, 512, 512],
];

/**
 * The 13 convolutions and 5 pools of VGG16 with random weights; a mean over the last map makes a vector of them.
 * Weights are normal with the variance of He et al. 2015, so that activations neither vanish nor explode.
 */
export function vgg16Convolutions(): Graph {
  const random = randomNumbers(16);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const nodes: Node[] = [];
  let [last, side, inputs] = ['input', 224, 3];
  const add = (node: Node) => {
    nodes.push(node);
    last = node.name;
  };
  for (const [block, widths] of BLOCKS.entries()) {
    for (const [index, outputs] of widths.entries()) {
      const name = `block${block + 1}_conv${index + 1}`;
      const deviation = Math.sqrt(2 / (9 * inputs)) / (inputs === 3 ? 64 : 1);
      add({
        ...{ name, inputs: [last], op: 'conv' },
        ...{ kernel: [3, 3], strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1], groups: 1 },
        weights: Float32Array.from({ length: 9 * inputs * outputs }, () => normal() * deviation),
        bias: Float32Array.from({ length: outputs }, () => normal() / 16),
      });
      const activation = { kind: 'clip', low: 0, high: Number.POSITIVE_INFINITY } as const;
      add({ name: `${name}_relu`, inputs: [last], op: 'activation', activation });
      inputs = outputs;
    }
    side /= 2;
    const window = { kernel: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0], output: [side, side] } as const;
    add({ name: `block${block + 1}_pool`, inputs: [last], op: 'max-pool', ...window });
  }
  add({ name: 'features', inputs: [last], op: 'global-average-pool' });
  return { input: { name: 'input', shape: [224, 224, 3] }, nodes, output: last };
}
