import type { NetworkBuilder } from './builder.ts';
import { network } from './network.ts';
import { BRANCH_GAIN, SHORTCUT_GAIN, STAGES_50, TORCH_EPSILON } from './resnet.ts';

const PAPER = 'Hu et al. 2018, Squeeze-and-Excitation Networks, arXiv 1709.01507';

/** What differs between the blocks of the two networks. */
interface Block {
  /** Filters and stride of the 1x1 convolution, filters, stride and groups of the 3x3 one, filters of the output. */
  readonly first: { readonly filters: number; readonly stride: number };
  readonly second: { readonly filters: number; readonly stride: number; readonly groups: number };
  readonly output: number;
  /** Kernel and stride of the shortcut's convolution, null where the block's input is added as it is. */
  readonly shortcut: { readonly kernel: number; readonly stride: number } | null;
  /** Of the last batch norm's random gammas; excitation halves the branch again. */
  readonly gain: number;
}

/**
 * SE-ResNet-50 in the authors' version as carried over to PyTorch (pretrainedmodels, whose names these are): the
 * stride in the first 1x1 convolution, reduction 16 in 1x1 convolutions with biases, logits.
 */
export const seresnet50 = network(
  {
    name: 'seresnet50',
    title: 'SE-ResNet-50',
    paper: `${PAPER}, table 1; the authors' model in pretrainedmodels`,
    input: { name: 'input', shape: [224, 224, 3], deviation: 1 },
  },
  (net, input) => {
    const stem = stemConv(net, 1, input, 64, 7, 2);
    let value = net.maxPool('layer0.pool', stem, 3, 2, { ceil: true });
    for (const [stage, { blocks, filters }] of STAGES_50.entries())
      for (let block = 0; block < blocks; block++) {
        const stride = stage > 0 && block === 0 ? 2 : 1;
        value = seBlock(net, `layer${stage + 1}.${block}`, value, {
          first: { filters, stride },
          second: { filters, stride: 1, groups: 1 },
          output: 4 * filters,
          shortcut: block === 0 ? { kernel: 1, stride } : null,
          gain: 2 * BRANCH_GAIN,
        });
      }
    net.dense('last_linear', net.globalAveragePool('avg_pool', value), 1000);
  },
);

/**
 * SENet-154 (the paper's appendix): a SE-ResNeXt-152 of 64 groups whose first convolution of a block has half the
 * filters, with three 3x3 convolutions first and 3x3 convolutions in shortcuts that stride; dropout before the
 * classifier.
 */
export const senet154 = network(
  {
    name: 'senet154',
    title: 'SENet-154',
    paper: `${PAPER}, appendix; the authors' model in pretrainedmodels`,
    input: { name: 'input', shape: [224, 224, 3], deviation: 1 },
  },
  (net, input) => {
    const stem = stemConv(net, 3, stemConv(net, 2, stemConv(net, 1, input, 64, 3, 2), 64, 3, 1), 128, 3, 1);
    let value = net.maxPool('layer0.pool', stem, 3, 2, { ceil: true });
    for (const [stage, blocks] of [3, 8, 36, 3].entries())
      for (let block = 0; block < blocks; block++) {
        const stride = stage > 0 && block === 0 ? 2 : 1;
        const filters = 64 * 2 ** stage;
        value = seBlock(net, `layer${stage + 1}.${block}`, value, {
          first: { filters: 2 * filters, stride: 1 },
          second: { filters: 4 * filters, stride, groups: 64 },
          output: 4 * filters,
          shortcut: block === 0 ? { kernel: stage > 0 ? 3 : 1, stride } : null,
          gain: BRANCH_GAIN,
        });
      }
    net.dense('last_linear', net.dropout('dropout', net.globalAveragePool('avg_pool', value), 0.2), 1000);
  },
);

function stemConv(
  net: NetworkBuilder,
  part: number,
  from: string,
  filters: number,
  kernel: number,
  stride: number,
): string {
  const options = { stride, pad: (kernel - 1) / 2, bias: false };
  const conv = net.conv(`layer0.conv${part}`, from, filters, kernel, options);
  return net.activation(`layer0.relu${part}`, net.batchNorm(`layer0.bn${part}`, conv, TORCH_EPSILON), 'relu');
}

function seBlock(net: NetworkBuilder, name: string, from: string, block: Block): string {
  const { first, second, output, shortcut } = block;
  const norm = (part: string, value: string, gain = 1) => net.batchNorm(`${name}.${part}`, value, TORCH_EPSILON, gain);
  const one = net.conv(`${name}.conv1`, from, first.filters, 1, { stride: first.stride, bias: false });
  const relu = net.activation(`${name}.relu`, norm('bn1', one), 'relu');
  const { stride, groups } = second;
  const two = net.conv(`${name}.conv2`, relu, second.filters, 3, { stride, pad: 1, groups, bias: false });
  const again = net.activation(`${name}.relu_1`, norm('bn2', two), 'relu');
  const three = norm('bn3', net.conv(`${name}.conv3`, again, output, 1, { bias: false }), block.gain);

  const squeezed = net.globalAveragePool(`${name}.se_module.avg_pool`, three, true);
  const hidden = net.conv(`${name}.se_module.fc1`, squeezed, output / 16, 1);
  const excited = net.conv(
    `${name}.se_module.fc2`,
    net.activation(`${name}.se_module.relu`, hidden, 'relu'),
    output,
    1,
  );
  const gates = net.activation(`${name}.se_module.sigmoid`, excited, 'sigmoid');
  const scaled = net.mul(`${name}.se_module.mul`, [three, gates]);

  const project = ({ kernel, stride }: { kernel: number; stride: number }) => {
    const options = { stride, pad: (kernel - 1) / 2, bias: false };
    return norm('downsample.1', net.conv(`${name}.downsample.0`, from, output, kernel, options), SHORTCUT_GAIN);
  };
  const sum = net.add(`${name}.add`, [scaled, shortcut ? project(shortcut) : from]);
  return net.activation(`${name}.relu_2`, sum, 'relu');
}
