import type { NetworkBuilder } from './builder.ts';
import { network } from './network.ts';

/** Blocks in each stage of 50 layers, and the filters of a block's first two convolutions; its output has 4 times them. */
export const STAGES_50 = [
  { blocks: 3, filters: 64 },
  { blocks: 4, filters: 128 },
  { blocks: 6, filters: 256 },
  { blocks: 3, filters: 512 },
] as const;

/** Gammas where a residual branch ends, so that 16 sums stay of one size. */
export const BRANCH_GAIN = 0.25;
/** Before an addition there is no ReLU that halves the power. */
export const SHORTCUT_GAIN = Math.SQRT1_2;

const KERAS_EPSILON = 1.001e-5;
export const TORCH_EPSILON = 1e-5;

const PAPER = 'He et al. 2016, Deep Residual Learning for Image Recognition, arXiv 1512.03385, table 1';

/** ResNet-50 as first published, with Keras' names and biases: a stage's first 1x1 convolution has its stride. */
export const resnet50 = network(
  {
    name: 'resnet50',
    title: 'ResNet-50 (v1, Keras)',
    paper: `${PAPER}; Keras`,
    input: { name: 'input', shape: [224, 224, 3], deviation: 64 },
  },
  (net, input) => {
    const conv = net.conv('conv1_conv', net.zeroPad('conv1_pad', input, 3), 64, 7, { stride: 2 });
    const first = net.activation('conv1_relu', net.batchNorm('conv1_bn', conv, KERAS_EPSILON), 'relu');
    let value = net.maxPool('pool1_pool', net.zeroPad('pool1_pad', first, 1), 3, 2);
    for (const [stage, { blocks, filters }] of STAGES_50.entries())
      for (let block = 1; block <= blocks; block++)
        value = kerasBlock(
          net,
          `conv${stage + 2}_block${block}`,
          value,
          filters,
          stage > 0 && block === 1 ? 2 : 1,
          block === 1,
        );
    net.dense('predictions', net.globalAveragePool('avg_pool', value), 1000, 'softmax');
  },
);

/** Layers in the order of Keras' summary: by depth, the shortcut beside the main path. */
function kerasBlock(
  net: NetworkBuilder,
  name: string,
  from: string,
  filters: number,
  stride: number,
  projected: boolean,
): string {
  const norm = (part: number, value: string, gain = 1) =>
    net.batchNorm(`${name}_${part}_bn`, value, KERAS_EPSILON, gain);
  const relu = (part: number, value: string) => net.activation(`${name}_${part}_relu`, norm(part, value), 'relu');
  const first = relu(1, net.conv(`${name}_1_conv`, from, filters, 1, { stride }));
  const second = relu(2, net.conv(`${name}_2_conv`, first, filters, 3, { pad: 1 }));
  const shortcut = projected ? net.conv(`${name}_0_conv`, from, 4 * filters, 1, { stride }) : from;
  const third = net.conv(`${name}_3_conv`, second, 4 * filters, 1);
  const left = projected ? norm(0, shortcut, SHORTCUT_GAIN) : shortcut;
  return net.activation(`${name}_out`, net.add(`${name}_add`, [left, norm(3, third, BRANCH_GAIN)]), 'relu');
}

/**
 * ResNet-50 as in torchvision (v1.5: a stage's first 3x3 convolution has its stride), whose names these are. A module
 * used again is named as in a traced graph: `relu_1`.
 */
export const resnet50Torch = network(
  {
    name: 'resnet50-torch',
    title: 'ResNet-50 (v1.5, torchvision)',
    paper: `${PAPER}; torchvision`,
    input: { name: 'input', shape: [224, 224, 3], deviation: 1 },
  },
  (net, input) => {
    const conv = net.conv('conv1', input, 64, 7, { stride: 2, pad: 3, bias: false });
    const first = net.activation('relu', net.batchNorm('bn1', conv, TORCH_EPSILON), 'relu');
    let value = net.maxPool('maxpool', first, 3, 2, { pad: 1 });
    for (const [stage, { blocks, filters }] of STAGES_50.entries())
      for (let block = 0; block < blocks; block++)
        value = torchBlock(
          net,
          `layer${stage + 1}.${block}`,
          value,
          filters,
          stage > 0 && block === 0 ? 2 : 1,
          block === 0,
        );
    net.dense('fc', net.globalAveragePool('avgpool', value), 1000);
  },
);

function torchBlock(
  net: NetworkBuilder,
  name: string,
  from: string,
  filters: number,
  stride: number,
  projected: boolean,
): string {
  const norm = (part: string, value: string, gain = 1) => net.batchNorm(`${name}.${part}`, value, TORCH_EPSILON, gain);
  const first = norm('bn1', net.conv(`${name}.conv1`, from, filters, 1, { bias: false }));
  const relu = net.activation(`${name}.relu`, first, 'relu');
  const second = norm('bn2', net.conv(`${name}.conv2`, relu, filters, 3, { stride, pad: 1, bias: false }));
  const again = net.activation(`${name}.relu_1`, second, 'relu');
  const third = norm('bn3', net.conv(`${name}.conv3`, again, 4 * filters, 1, { bias: false }), BRANCH_GAIN);
  const shortcut = () => net.conv(`${name}.downsample.0`, from, 4 * filters, 1, { stride, bias: false });
  const left = projected ? norm('downsample.1', shortcut(), SHORTCUT_GAIN) : from;
  return net.activation(`${name}.relu_2`, net.add(`${name}.add`, [third, left]), 'relu');
}
