import type { Shape } from '../graph/graph.ts';
import type { NetworkBuilder } from './builder.ts';
import { convNorm } from './conv-norm.ts';
import { type Network, network } from './network.ts';
import { residualBlock } from './residual-block.ts';

const STAGES = [
  { blocks: 1, filters: 16 },
  { blocks: 1, filters: 32 },
  { blocks: 2, filters: 64 },
] as const;
/** The paper has 16, for 256 channels and more. */
const REDUCTION = 8;

/** SE-ResNet (Hu et al. 2018, figure 3) for small images: a gate a channel at the end of each residual branch. */
export function fashionSenet(shape: Shape, classes: number): Network {
  return network(
    {
      name: 'fashion-senet',
      title: 'SE-ResNet of four blocks',
      paper: 'after Hu et al. 2018, Squeeze-and-Excitation Networks, arXiv 1709.01507',
      input: { name: 'input', shape, deviation: 0.5 },
    },
    (net, input) => {
      let value = convNorm(net, 'stem', input, STAGES[0].filters, 3);
      for (const [stage, { blocks, filters }] of STAGES.entries())
        for (let block = 1; block <= blocks; block++) {
          const [name, widens] = [`stage${stage + 1}/block${block}`, stage > 0 && block === 1];
          const gate = (branch: string) => excited(net, `${name}/se`, branch, filters);
          value = residualBlock(net, name, value, filters, widens ? 2 : 1, widens, gate);
        }
      const mean = net.dropout('dropout', net.globalAveragePool('mean', value), 0.1);
      net.dense('scores', mean, classes, 'softmax');
    },
  );
}

/** Squeeze: a mean a channel. Excitation: two 1x1 convolutions, which at one position are dense layers. */
function excited(net: NetworkBuilder, name: string, from: string, channels: number): string {
  const squeezed = net.globalAveragePool(`${name}/mean`, from, true);
  const hidden = net.conv(`${name}/reduce`, squeezed, channels / REDUCTION, 1, { activation: 'relu' });
  const gates = net.conv(`${name}/expand`, hidden, channels, 1, { activation: 'sigmoid' });
  return net.mul(`${name}/scale`, [from, gates]);
}
