import type { Shape } from '../graph/graph.ts';
import { type Network, network } from './network.ts';

/**
 * The network of the notes that this project began from, which is TensorFlow's "Basic classification: Classify images
 * of clothing": 784 → 128 ReLU → 10 softmax. The notes reached 0.8756 on the test set.
 */
export function fashionMlp(shape: Shape, classes: number): Network {
  return network(
    {
      name: 'fashion-mlp',
      title: 'Two dense layers',
      paper: "TensorFlow's tutorial Basic classification: Classify images of clothing",
      input: { name: 'input', shape, deviation: 0.5 },
    },
    (net, input) => {
      net.dense('scores', net.dense('hidden', net.flatten('flatten', input), 128, 'relu'), classes, 'softmax');
    },
  );
}
