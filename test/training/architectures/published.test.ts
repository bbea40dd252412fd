import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Network, summaryRows } from '../../../training/architectures/network.ts';
import { ARCHITECTURES, NETWORKS } from '../../../training/architectures/table.ts';
import { layerSummary } from '../../../training/graph/summary.ts';

/**
 * Trainable and other parameters as published: Keras Applications (VGG, ResNet-50), torchvision, pretrainedmodels (SE),
 * BVLC (AlexNet, GoogLeNet). For VGG-F, M and S the sum of table 1 by hand: kernels · filters + biases, layer by layer.
 */
const PARAMETERS: readonly (readonly [name: string, trainable: number, fixed: number])[] = [
  ['lenet5', 61_706, 0],
  ['alexnet', 60_965_224, 0],
  ['vgg-f', 23_296 + 409_856 + 3 * 590_080 + 37_752_832 + 16_781_312 + 4_097_000, 0],
  ['vgg-m', 14_208 + 614_656 + 1_180_160 + 2 * 2_359_808 + 75_501_568 + 16_781_312 + 4_097_000, 0],
  ['vgg-s', 14_208 + 614_656 + 1_180_160 + 2 * 2_359_808 + 75_501_568 + 16_781_312 + 4_097_000, 0],
  ['vgg16', 138_357_544, 0],
  ['vgg19', 143_667_240, 0],
  ['googlenet', 6_998_552, 0],
  ['resnet50', 25_583_592, 25_636_712 - 25_583_592],
  ['resnet50-torch', 25_557_032, 53_120],
  ['seresnet50', 28_088_024, 53_120],
  ['senet154', 115_088_984, 247_552],
];

/** Outputs by layer, from the papers' tables and the authors' logs. */
const SHAPES: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = {
  lenet5: { C1: [28, 28, 6], S2: [14, 14, 6], C3: [10, 10, 16], S4: [5, 5, 16], C5: [1, 1, 120], output: [10] },
  alexnet: {
    conv1: [55, 55, 96],
    pool1: [27, 27, 96],
    pool2: [13, 13, 256],
    conv4: [13, 13, 384],
    pool5: [6, 6, 256],
    flatten: [9216],
  },
  'vgg-f': { conv1: [54, 54, 64], pool1: [27, 27, 64], pool2: [13, 13, 256], pool5: [6, 6, 256] },
  'vgg-m': {
    conv1: [109, 109, 96],
    pool1: [54, 54, 96],
    conv2: [26, 26, 256],
    pool2: [13, 13, 256],
    pool5: [6, 6, 512],
  },
  'vgg-s': { pool1: [37, 37, 96], conv2: [33, 33, 256], pool2: [17, 17, 256], pool5: [6, 6, 512], fc6: [4096] },
  vgg16: {
    block1_conv2: [224, 224, 64],
    block2_pool: [56, 56, 128],
    block3_pool: [28, 28, 256],
    block4_conv3: [28, 28, 512],
    block5_pool: [7, 7, 512],
    flatten: [25088],
    predictions: [1000],
  },
  vgg19: { block3_conv4: [56, 56, 256], block5_conv4: [14, 14, 512], block5_pool: [7, 7, 512], fc2: [4096] },
  googlenet: {
    'conv1/7x7_s2': [112, 112, 64],
    'pool1/3x3_s2': [56, 56, 64],
    'conv2/3x3': [56, 56, 192],
    'inception_3a/output': [28, 28, 256],
    'inception_3b/output': [28, 28, 480],
    'inception_4d/output': [14, 14, 528],
    'inception_4e/output': [14, 14, 832],
    'inception_5b/output': [7, 7, 1024],
    'pool5/7x7_s1': [1, 1, 1024],
  },
  resnet50: {
    conv1_pad: [230, 230, 3],
    pool1_pool: [56, 56, 64],
    conv2_block3_out: [56, 56, 256],
    conv3_block1_1_conv: [28, 28, 128],
    conv4_block6_out: [14, 14, 1024],
    conv5_block3_out: [7, 7, 2048],
    avg_pool: [2048],
  },
  'resnet50-torch': {
    maxpool: [56, 56, 64],
    'layer2.0.conv1': [56, 56, 128],
    'layer2.0.conv2': [28, 28, 128],
    'layer2.0.downsample.0': [28, 28, 512],
    'layer4.2.relu_2': [7, 7, 2048],
    fc: [1000],
  },
  seresnet50: {
    'layer0.pool': [56, 56, 64],
    'layer2.0.conv1': [28, 28, 128],
    'layer3.5.se_module.fc1': [1, 1, 64],
    'layer4.2.se_module.fc2': [1, 1, 2048],
    last_linear: [1000],
  },
  senet154: {
    'layer0.conv3': [112, 112, 128],
    'layer1.0.conv1': [56, 56, 128],
    'layer2.0.conv2': [28, 28, 512],
    'layer3.35.conv2': [14, 14, 1024],
    'layer4.0.downsample.0': [7, 7, 2048],
  },
};

function networkOf(name: string): Network {
  const network = NETWORKS.get(name);
  if (!network) throw new Error(`no network ${name}`);
  return network;
}

describe('published networks', () => {
  it('are the twelve', () => {
    const ours = [...ARCHITECTURES.keys()].filter((name) => name !== 'lenet5');
    expect([...NETWORKS.keys()].sort()).toEqual([...PARAMETERS.map(([name]) => name), ...ours].sort());
  });

  it.each(PARAMETERS)('%s has %i trainable parameters and %i others', (name, trainable, fixed) => {
    const rows = summaryRows(networkOf(name));
    expect(rows.reduce((sum, row) => sum + row.trainable, 0)).toBe(trainable);
    expect(rows.reduce((sum, row) => sum + row.fixed, 0)).toBe(fixed);
  });

  it.each(Object.entries(SHAPES))('%s has the stages of its table', (name, shapes) => {
    const rows = new Map(summaryRows(networkOf(name)).map((row) => [row.name, row.shape]));
    expect(Object.fromEntries(Object.keys(shapes).map((layer) => [layer, rows.get(layer)]))).toEqual(shapes);
  });

  it('groups the channels of AlexNet in two and of SENet-154 in 64', () => {
    const groups = (name: string) =>
      networkOf(name).layers.flatMap((layer) => (layer.kind === 'conv' && layer.groups > 1 ? [layer] : []));
    expect(groups('alexnet').map((layer) => [layer.name, layer.groups])).toEqual([
      ['conv2', 2],
      ['conv4', 2],
      ['conv5', 2],
    ]);
    expect(groups('senet154').map((layer) => layer.groups)).toEqual(Array(50).fill(64));
  });

  it('pads the shortcuts of SENet-154 where they stride', () => {
    const shortcuts = networkOf('senet154').layers.flatMap((layer) =>
      layer.kind === 'conv' && layer.name.includes('downsample') ? [[layer.kernel[0], layer.strides[0]]] : [],
    );
    expect(shortcuts).toEqual([
      [1, 1],
      [3, 2],
      [3, 2],
      [3, 2],
    ]);
  });
});

describe('the summary', () => {
  it('prints what Keras prints', () => {
    const lines = layerSummary(summaryRows(networkOf('resnet50')), 'resnet50').split('\n');
    expect(lines.slice(0, 5).map((line) => line.replace(/\s+/g, ' '))).toEqual([
      'Model: "resnet50"',
      expect.stringMatching(/^_+$/),
      'Layer (type) Output shape Param # Connected to',
      expect.stringMatching(/^=+$/),
      'input (InputLayer) (None, 224, 224, 3) 0',
    ]);
    // Beginning, first block and end of tf.keras.applications.ResNet50().summary(), without tensor indices.
    const shown = lines.slice(5).map((line) => line.replace(/\s+/g, ' '));
    expect(shown.slice(7, 15)).toEqual([
      'conv2_block1_1_bn (BatchNormalization) (None, 56, 56, 64) 256 conv2_block1_1_conv',
      'conv2_block1_1_relu (Activation) (None, 56, 56, 64) 0 conv2_block1_1_bn',
      'conv2_block1_2_conv (Conv2D) (None, 56, 56, 64) 36,928 conv2_block1_1_relu',
      'conv2_block1_2_bn (BatchNormalization) (None, 56, 56, 64) 256 conv2_block1_2_conv',
      'conv2_block1_2_relu (Activation) (None, 56, 56, 64) 0 conv2_block1_2_bn',
      'conv2_block1_0_conv (Conv2D) (None, 56, 56, 256) 16,640 pool1_pool',
      'conv2_block1_3_conv (Conv2D) (None, 56, 56, 256) 16,640 conv2_block1_2_relu',
      'conv2_block1_0_bn (BatchNormalization) (None, 56, 56, 256) 1,024 conv2_block1_0_conv',
    ]);
    expect(shown.slice(-6)).toEqual([
      'avg_pool (GlobalAveragePooling2D) (None, 2048) 0 conv5_block3_out',
      'predictions (Dense) (None, 1000) 2,049,000 avg_pool',
      expect.stringMatching(/^=+$/),
      'Total params: 25,636,712',
      'Trainable params: 25,583,592',
      'Non-trainable params: 53,120',
    ]);
  });

  const run = (...args: string[]) => {
    const script = ['--import', 'tsx', path.join(import.meta.dirname, '../../../training/summary.ts'), ...args];
    return execFileSync(process.execPath, script, { encoding: 'utf8', stdio: 'pipe' });
  };

  it('is a command', () => {
    expect(run('vgg16')).toContain('Total params: 138,357,544');
    expect(run('vgg16')).toContain('Multiply-adds: 15,470,264,320');
    const listed = run('--list');
    for (const name of NETWORKS.keys()) expect(listed).toContain(`${name} `);
  });

  it('says which networks there are when it does not know one', () => {
    expect(() => run('vgg17')).toThrow(/No network is named "vgg17"\. There are fashion-mlp, lenet5/);
  });
});
