import { describe, expect, it } from 'vitest';
import { initialParameters } from '../../../training/architectures/initial-parameters.ts';
import type { Layer } from '../../../training/architectures/layer.ts';
import { multiplyAdds, type Network, summaryRows, trainedLayers } from '../../../training/architectures/network.ts';
import { ARCHITECTURES } from '../../../training/architectures/table.ts';
import { checkGraph } from '../../../training/graph/check.ts';

const conv = (kernel: number, from: number, filters: number) => kernel * kernel * from * filters;
/** Two 3x3 convolutions without biases and their batch norms; with a 1x1 convolution where the block widens. */
const block = (from: number, filters: number) =>
  conv(3, from, filters) +
  conv(3, filters, filters) +
  4 * filters +
  (from === filters ? 0 : conv(1, from, filters) + 2 * filters);
const gate = (channels: number) => (channels * channels) / 8 + channels / 8 + (channels * channels) / 8 + channels;

/** Trainable parameters by hand from what each network is said to be; multiply-adds where they are easy to count. */
const EXPECTED: Readonly<Record<string, { readonly parameters: number; readonly macs?: number }>> = {
  'fashion-mlp': { parameters: 784 * 128 + 128 + 128 * 10 + 10, macs: 784 * 128 + 128 * 10 },
  lenet5: {
    parameters: 61_706,
    macs: 784 * 25 * 6 + 100 * 25 * 6 * 16 + 25 * 16 * 120 + 120 * 84 + 84 * 10,
  },
  // Three convolutions lose their biases, and their batch norms bring two numbers a filter.
  'lenet5-modern': { parameters: 61_706 + 6 + 16 + 120 },
  'fashion-cnn': {
    parameters:
      [
        [1, 16],
        [16, 16],
        [16, 32],
        [32, 32],
        [32, 64],
        [64, 64],
      ].reduce((sum, [from = 0, filters = 0]) => sum + conv(3, from, filters) + 2 * filters, 0) + 650,
    macs: 784 * 9 * (16 + 256) + 196 * 9 * (512 + 1024) + 49 * 9 * (2048 + 4096) + 640,
  },
  'fashion-resnet': {
    parameters:
      conv(3, 1, 16) + 32 + block(16, 16) + block(16, 40) + block(40, 40) + block(40, 80) + block(80, 80) + 810,
  },
  'fashion-senet': {
    parameters:
      conv(3, 1, 16) +
      32 +
      [block(16, 16), gate(16), block(16, 32), gate(32), block(32, 64), gate(64), block(64, 64), gate(64)].reduce(
        (a, b) => a + b,
      ) +
      650,
  },
};

const networkOf = (name: string, shape: readonly [number, number, number] = [28, 28, 1], classes = 10): Network => {
  const architecture = ARCHITECTURES.get(name);
  if (!architecture) throw new Error(`no architecture ${name}`);
  return architecture.network(shape, classes);
};
const trainable = (network: Network) => summaryRows(network).reduce((sum, row) => sum + row.trainable, 0);
const ofKind = <K extends Layer['kind']>(network: Network, kind: K) =>
  network.layers.filter((layer): layer is Layer & { kind: K } => layer.kind === kind);

describe('networks for Fashion-MNIST', () => {
  it.each(Object.entries(EXPECTED))('%s has the parameters of its description', (name, { parameters, macs }) => {
    const network = networkOf(name);
    expect(trainable(network)).toBe(parameters);
    if (macs !== undefined) expect(multiplyAdds(network)).toBe(macs);
  });

  it('are small enough to train on a CPU', () => {
    expect(trainable(networkOf('fashion-cnn'))).toBeLessThan(100_000);
    expect(trainable(networkOf('fashion-resnet'))).toBeLessThanOrEqual(300_000);
    for (const name of ARCHITECTURES.keys()) {
      expect(trainable(networkOf(name)), name).toBeLessThan(1_500_000);
      expect(multiplyAdds(networkOf(name)), name).toBeLessThan(25e6);
    }
  });

  it.each([...ARCHITECTURES.keys()])('%s takes images of other sizes and other classes', (name) => {
    for (const side of [28, 64, 101]) {
      const network = networkOf(name, [side, side, 3], 2);
      const shapes = checkGraph(network.build(1));
      expect(shapes.get(network.layers.at(-1)?.name ?? '')).toEqual([1, 1, 2]);
    }
  });

  it('keep what makes each of them itself', () => {
    const alexnet = networkOf('fashion-alexnet');
    const towers = ofKind(alexnet, 'conv').filter(({ name }) => /^conv[12]/.test(name));
    expect(towers.map(({ kernel, input }) => [kernel[0], input[2]])).toEqual([
      [7, 1],
      [5, 12],
      [7, 1],
      [5, 12],
    ]);
    expect(ofKind(alexnet, 'dropout')).toHaveLength(2);
    expect(new Set(ofKind(networkOf('fashion-vgg'), 'conv').map(({ kernel }) => kernel.join()))).toEqual(
      new Set(['3,3']),
    );
    const googlenet = networkOf('fashion-googlenet');
    expect(ofKind(googlenet, 'concat').map(({ inputs }) => inputs.length)).toEqual([4, 4, 4, 4]);
    expect(ofKind(networkOf('fashion-resnet'), 'add')).toHaveLength(5);
    const [gates, sums] = [ofKind(networkOf('fashion-senet'), 'mul'), ofKind(networkOf('fashion-senet'), 'add')];
    expect(gates).toHaveLength(sums.length);
  });

  it('have an auxiliary output in GoogLeNet alone, which is trained and not served', () => {
    const withOne = [...ARCHITECTURES.keys()].filter((name) => networkOf(name).auxiliaries.length > 0);
    expect(withOne).toEqual(['fashion-googlenet']);
    const network = networkOf('fashion-googlenet');
    const [auxiliary] = network.auxiliaries;
    expect(auxiliary?.weight).toBe(0.3);
    expect(auxiliary?.layers.at(-1)).toMatchObject({ kind: 'dense', units: 10 });
    const names = auxiliary?.layers.map(({ name }) => name) ?? [];
    expect(network.layers.filter(({ name }) => names.includes(name))).toEqual([]);
    expect(network.build(1).nodes.filter(({ name }) => names.includes(name))).toEqual([]);
    expect(trainedLayers(network)).toHaveLength(network.layers.length + names.length);
    expect(initialParameters(network, 1).has('auxiliary/scores/kernel')).toBe(true);
  });
});

describe('initial parameters', () => {
  it('are random in kernels alone, and follow from the seed', () => {
    const network = networkOf('fashion-resnet');
    const [first, again, other] = [1, 1, 2].map((seed) => initialParameters(network, seed));
    expect(again).toEqual(first);
    expect(other?.get('stem/kernel')).not.toEqual(first?.get('stem/kernel'));
    const value = (name: string) => new Set(first?.get(name));
    expect(value('stem/norm/gamma')).toEqual(new Set([1]));
    expect(value('stem/norm/moving_variance')).toEqual(new Set([1]));
    expect(value('stem/norm/beta')).toEqual(new Set([0]));
    expect(value('scores/bias')).toEqual(new Set([0]));
    expect(value('stage1/block1/conv2/norm/gamma')).toEqual(new Set([0.25]));
  });
});
