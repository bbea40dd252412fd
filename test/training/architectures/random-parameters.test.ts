import { describe, expect, it } from 'vitest';
import type { ParameterSource } from '../../../training/architectures/layer.ts';
import { parametersOf } from '../../../training/architectures/layer.ts';
import { NETWORKS } from '../../../training/architectures/table.ts';
import { prepareInterpreter } from '../../../training/graph/interpret.ts';
import { randomNumbers } from '../../../training/train/random.ts';
import { toy } from './toy.ts';

/** The first parameter of a layer: its kernel, or gamma. */
function first(source: ParameterSource, layer: string, network = toy): Float32Array {
  const found = network.layers.find(({ name }) => name === layer);
  const parameter = found && parametersOf(found)[0];
  if (!found || !parameter) throw new Error(`no parameters in ${layer}`);
  return source(found, parameter);
}

function moments(values: Float32Array): { mean: number; deviation: number; kurtosis: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const power = (n: number) => values.reduce((sum, value) => sum + (value - mean) ** n, 0) / values.length;
  return { mean, deviation: Math.sqrt(power(2)), kurtosis: power(4) / power(2) ** 2 };
}

describe('random parameters', () => {
  it('follow from the seed, the layer and nothing else', () => {
    const [source, again, other] = [toy.random(1), toy.random(1), toy.random(2)];
    const alone = first(again, 'biasless');
    for (const { name } of toy.layers.filter((layer) => parametersOf(layer).length > 0)) first(source, name);
    expect(first(source, 'biasless')).toEqual(alone);
    expect(first(other, 'biasless')).not.toEqual(alone);
    expect(first(source, 'grouped')).not.toEqual(first(source, 'biasless'));
  });

  it('are drawn as He 2015 says: nearly normal, variance 2 / fan-in before a ReLU', () => {
    const vgg = NETWORKS.get('vgg16');
    const kernel = first(vgg?.random(1) ?? toy.random(1), 'block5_conv1', vgg);
    const { mean, deviation, kurtosis } = moments(kernel);
    expect(kernel.length).toBe(9 * 512 * 512);
    const he = Math.sqrt(2 / (9 * 512));
    expect(Math.abs(mean)).toBeLessThan(he * 0.003);
    expect(deviation / he).toBeCloseTo(1, 2);
    // 3 for a normal distribution; 3 − 6 / (5 · 4) for a sum of four uniform numbers.
    expect(kurtosis).toBeCloseTo(2.7, 1);
  });

  it.each(['resnet50', 'seresnet50'])('keep the signals of %s of one size through 16 sums', async (name) => {
    const network = NETWORKS.get(name) ?? toy;
    const graph = network.build(1);
    const interpreter = await prepareInterpreter(graph);
    const random = randomNumbers(2);
    const [height, width, channels] = network.input.shape;
    const length = height * width * channels;
    const input = Float32Array.from({ length }, () => (random() - 0.5) * 3.46 * network.input.deviation);
    const sums = graph.nodes.filter((node) => node.op === 'add' || node.op === 'dense').map((node) => node.name);
    const values = await interpreter.run(input, (value) => sums.includes(value));
    interpreter.dispose();
    expect(values.size).toBe(17);
    for (const [value, numbers] of values) {
      const size = Math.sqrt(numbers.reduce((sum, number) => sum + number * number, 0) / numbers.length);
      expect(size, value).toBeGreaterThan(0.3);
      expect(size, value).toBeLessThan(10);
    }
  });
});
