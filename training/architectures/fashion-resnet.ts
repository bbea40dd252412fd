import type { Shape } from '../graph/graph.ts';
import { convNorm } from './conv-norm.ts';
import { type Network, network } from './network.ts';
import { residualBlock } from './residual-block.ts';

const STAGES = [
  { blocks: 1, filters: 16 },
  { blocks: 2, filters: 40 },
  { blocks: 2, filters: 80 },
] as const;

/** The residual network for 32x32 of He et al. 2016, section 4.2, less deep and wider where the maps are small. */
export function fashionResnet(shape: Shape, classes: number): Network {
  return network(
    {
      name: 'fashion-resnet',
      title: 'ResNet of five blocks',
      paper: 'after He et al. 2016, Deep Residual Learning for Image Recognition, arXiv 1512.03385, section 4.2',
      input: { name: 'input', shape, deviation: 0.5 },
    },
    (net, input) => {
      let value = convNorm(net, 'stem', input, STAGES[0].filters, 3);
      for (const [stage, { blocks, filters }] of STAGES.entries())
        for (let block = 1; block <= blocks; block++) {
          const widens = stage > 0 && block === 1;
          value = residualBlock(net, `stage${stage + 1}/block${block}`, value, filters, widens ? 2 : 1, widens);
        }
      const mean = net.dropout('dropout', net.globalAveragePool('mean', value), 0.1);
      net.dense('scores', mean, classes, 'softmax');
    },
  );
}
