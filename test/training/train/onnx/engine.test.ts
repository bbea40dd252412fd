import { describe, expect, it } from 'vitest';
import { type Layer, parametersOf, sizeOf } from '../../../../training/architectures/layer.ts';
import { type Network, network } from '../../../../training/architectures/network.ts';
import type { Shape } from '../../../../training/graph/graph.ts';
import type { Batch, GradientEngine, NamedArrays } from '../../../../training/train/gradient-engine.ts';
import { createOnnxEngine } from '../../../../training/train/onnx/engine.ts';
import { randomNumbers } from '../../../../training/train/random.ts';
import { startBackend } from '../../../../training/train/tfjs/backend.ts';
import { TfjsEngine } from '../../../../training/train/tfjs/engine.ts';
import { toy } from '../../architectures/toy.ts';
import { SMALL } from './small-networks.ts';
import { tfjsGradients } from './tfjs-gradients.ts';

/** Whole blocks of 8 or 16 images are computed in another way. */
const COUNTS = [4, 16];

/** Smoothed targets, and pixels that are no one's mean. */
function batchFor({ input: { shape, deviation } }: Network, classes: number, count = 4): Batch {
  const random = randomNumbers(11);
  const pixels = Float32Array.from({ length: count * sizeOf(shape) }, () => (random() * 3.5 - 1.5) * deviation);
  const targets = new Float32Array(count * classes).fill(0.1 / classes);
  for (let row = 0; row < count; row++) targets[row * classes + ((row * 3) % classes)] = 0.9 + 0.1 / classes;
  return { count, pixels, targets };
}

function randomParameters(of: Network, layers: readonly Layer[] = of.layers): Map<string, Float32Array> {
  const source = of.random(3);
  return new Map(
    layers.flatMap((layer) =>
      parametersOf(layer).map((parameter) => [`${layer.name}/${parameter.name}`, source(layer, parameter)] as const),
    ),
  );
}

/** TF.js draws its own masks: what both must agree on is compared without. */
function withoutDropout(of: Network): Network {
  return { ...of, layers: of.layers.map((layer) => (layer.kind === 'dropout' ? { ...layer, rate: 0 } : layer)) };
}

/** Largest difference over largest value; a bias before a batch norm has no gradient but rounding. */
function difference(actual: Float32Array | undefined, expected: Float32Array): number {
  if (actual?.length !== expected.length) return Number.POSITIVE_INFINITY;
  const largest = Math.max(1e-3, ...expected.map(Math.abs));
  return Math.max(...expected.map((value, at) => Math.abs(value - (actual[at] ?? Number.NaN)))) / largest;
}

function expectClose(actual: NamedArrays, expected: NamedArrays, tolerance: number): void {
  expect([...actual.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [name, values] of expected) expect(difference(actual.get(name), values), name).toBeLessThan(tolerance);
}

describe('as TF.js differentiates', () => {
  it('has a network for every kind of layer', () => {
    const kinds = new Set([...SMALL, toy].flatMap(({ layers }) => layers.map(({ kind }) => kind)));
    expect(kinds.size).toBe(14);
  });

  it.each([...SMALL, withoutDropout(toy)].map((of) => [of.name, of] as const))('%s', async (_, of) => {
    const parameters = randomParameters(of);
    const engine = await createOnnxEngine(of, { threads: 1 });
    for (const count of COUNTS) {
      const batch = batchFor(of, of.layers.at(-1)?.output[2] ?? 0, count);
      const expected = await tfjsGradients(of, parameters, batch);
      const { loss, gradients, statistics } = await engine.gradients(parameters, batch, 1);
      expect(loss).toBeCloseTo(expected.loss, 4);
      expectClose(gradients, expected.gradients, 1e-4);
      expectClose(statistics, expected.statistics, 1e-3);
      expect(difference(await engine.scores(parameters, batch.pixels, count), expected.scores)).toBeLessThan(1e-4);
    }
    await engine.dispose();
  });
});

describe('where windows hold equal values', () => {
  const pooled = SMALL.filter(({ name }) => name.startsWith('maximum')).map((of) => [of.name, of] as const);
  it.each(pooled)('%s: the first of them takes all', async (_, of) => {
    const batch = { ...batchFor(of, 5), pixels: new Float32Array(4 * sizeOf(of.input.shape)).fill(1) };
    const expected = await tfjsGradients(of, randomParameters(of), batch);
    const engine = await createOnnxEngine(of, { threads: 1 });
    expectClose((await engine.gradients(randomParameters(of), batch, 1)).gradients, expected.gradients, 1e-4);
    await engine.dispose();
  });
});

/** How the loss changes along a random direction, measured from both sides, beside what the gradients say. */
async function slopes(engine: GradientEngine, parameters: NamedArrays, batch: Batch, seed: number, step: number) {
  const { gradients } = await engine.gradients(parameters, batch, seed);
  const random = randomNumbers(17);
  const direction = new Map(Array.from(gradients, ([name, values]) => [name, values.map(() => random() * 2 - 1)]));
  const lossAt = async (distance: number) => {
    const moved = Array.from(parameters, ([name, values]): [string, Float32Array] => [
      name,
      values.map((value, at) => value + distance * (direction.get(name)?.[at] ?? 0)),
    ]);
    return (await engine.gradients(new Map(moved), batch, seed)).loss;
  };
  const measured = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
  let said = 0;
  for (const [name, values] of gradients)
    for (const [at, value] of values.entries()) said += value * (direction.get(name)?.[at] ?? 0);
  return { measured, said };
}

describe('as the loss changes', () => {
  const smooth = (name: string) => !name.startsWith('maximum') && !name.includes('relu');
  it.each(SMALL.filter(({ name }) => smooth(name)).map((of) => [of.name, of] as const))('%s', async (_, of) => {
    const engine = await createOnnxEngine(of, { threads: 1 });
    const { measured, said } = await slopes(engine, randomParameters(of), batchFor(of, 5), 1, 1e-3);
    expect(Math.abs(measured - said)).toBeLessThan(0.01 * Math.abs(said) + 5e-4);
    await engine.dispose();
  });

  it('with the same values dropped, in vectors and maps, and gates that are vectors', async () => {
    const of = network(about([5, 4, 2]), (net, input) => {
      const map = net.dropout('drop', net.conv('c', input, 8, 3, { pad: 1, activation: 'tanh' }), 0.4);
      const gates = net.dense('gates', net.globalAveragePool('squeeze', map), 8, 'sigmoid');
      const vector = net.flatten('flat', net.mul('mul', [map, gates]));
      net.dense('scores', net.dropout('drop2', vector, 0.5), 5, 'softmax');
    });
    const engine = await createOnnxEngine(of, { threads: 1 });
    for (const seed of [1, 2]) {
      const { measured, said } = await slopes(engine, randomParameters(of), batchFor(of, 5), seed, 1e-3);
      expect(Math.abs(said)).toBeGreaterThan(0.05);
      expect(Math.abs(measured - said)).toBeLessThan(0.01 * Math.abs(said) + 5e-4);
    }
    await engine.dispose();
  });
});

describe('dropout', () => {
  it('drops the same values as the TF.js engine, in vectors and maps', async () => {
    const of = network(about([5, 4, 2]), (net, input) => {
      const map = net.dropout('drop', net.conv('c', input, 8, 3, { activation: 'tanh' }), 0.4);
      net.dense('scores', net.dropout('drop2', net.flatten('flat', map), 0.5), 5, 'softmax');
    });
    const [parameters, batch] = [randomParameters(of), batchFor(of, 5)];
    const [engine, other] = [await createOnnxEngine(of, { threads: 1 }), new TfjsEngine(of, await startBackend('cpu'))];
    const expected = await other.gradients(parameters, batch, 7);
    const actual = await engine.gradients(parameters, batch, 7);
    expect(actual.hits).toBe(expected.hits);
    expect(actual.loss).toBeCloseTo(expected.loss, 4);
    expectClose(actual.gradients, expected.gradients, 1e-4);
    await Promise.all([engine.dispose(), other.dispose()]);
  });

  it('drops its share of all values alike, scales what it keeps, follows the seed, and is off for scores', async () => {
    const rate = 0.3;
    const of = network(about([6, 5, 3]), (net, input) => {
      net.dense('scores', net.flatten('flat', net.dropout('drop', input, rate)), 2, 'softmax');
    });
    const engine = await createOnnxEngine(of, { threads: 1 });
    const [count, size] = [1, 90];
    const parameters = new Map([
      ['scores/kernel', new Float32Array(2 * size)],
      ['scores/bias', new Float32Array(2)],
    ]);
    const batch = { count, pixels: new Float32Array(size).fill(1), targets: Float32Array.of(1, 0) };
    // The scores are ½, ½: the gradient of the first column is −½ times what the layer reads.
    const read = async (seed: number) => {
      const kernel = (await engine.gradients(parameters, batch, seed)).gradients.get('scores/kernel') ?? [];
      return Array.from({ length: size }, (_, at) => (kernel[2 * at] ?? 0) / -0.5);
    };
    const first = await read(1);
    expect(await read(1)).toEqual(first);
    expect(await read(2)).not.toEqual(first);
    let kept = 0;
    for (let seed = 0; seed < 40; seed++) {
      for (const value of await read(seed)) {
        if (value === 0) continue;
        kept += 1;
        expect(value).toBeCloseTo(1 / (1 - rate), 5);
      }
    }
    // Three standard deviations of 3600 draws are 0.023.
    expect(Math.abs(kept / (40 * size) - (1 - rate))).toBeLessThan(0.025);
    const random = new Map(parameters).set('scores/bias', Float32Array.of(0, Math.log(3)));
    const scores = await engine.scores(random, batch.pixels, count);
    expect(difference(scores, Float32Array.of(0.25, 0.75))).toBeLessThan(1e-6);
    await engine.dispose();
  });
});

describe('auxiliary outputs', () => {
  it('count in the gradients by their weight, and not in the loss', async () => {
    const of = network(about([6, 6, 2]), (net, input) => {
      const map = net.conv('c', input, 6, 3, { activation: 'tanh' });
      net.auxiliary(0.3, () => net.dense('other', net.globalAveragePool('a', map), 5, 'softmax'));
      net.dense('scores', net.flatten('f', net.conv('d', map, 4, 3, { activation: 'tanh' })), 5, 'softmax');
    });
    const side = { ...of, layers: [...of.layers, ...of.auxiliaries.flatMap(({ layers }) => layers)] };
    const [parameters, batch] = [randomParameters(side), batchFor(of, 5)];
    const [main, other] = [
      await tfjsGradients(of, parameters, batch),
      await tfjsGradients(
        { ...side, layers: side.layers.filter(({ name }) => ['c', 'a', 'other'].includes(name)) },
        parameters,
        batch,
      ),
    ];
    const expected = new Map(main.gradients);
    for (const [name, values] of other.gradients)
      expected.set(
        name,
        values.map((value, at) => 0.3 * value + (main.gradients.get(name)?.[at] ?? 0)),
      );
    const engine = await createOnnxEngine(of, { threads: 1 });
    const { loss, gradients } = await engine.gradients(parameters, batch, 1);
    expect(loss).toBeCloseTo(main.loss, 4);
    expectClose(gradients, expected, 1e-4);
    await engine.dispose();
  });
});

describe('any batch', () => {
  it('gives the same on two threads, after another batch size, and leaves its arguments as they were', async () => {
    const of = withoutDropout(toy);
    const parameters = randomParameters(of);
    const [one, two] = [await createOnnxEngine(of, { threads: 1 }), await createOnnxEngine(of, { threads: 2 })];
    const [batch, large] = [batchFor(of, 7, 3), batchFor(of, 7, 9)];
    const copy = structuredClone({ parameters, batch });
    const expected = await one.gradients(parameters, batch, 1);
    await one.gradients(parameters, large, 1);
    expectClose((await one.gradients(parameters, batch, 1)).gradients, expected.gradients, 1e-6);
    expectClose((await two.gradients(parameters, batch, 1)).gradients, expected.gradients, 1e-4);
    expect({ parameters, batch }).toEqual(copy);
    expect(one.title).toBe('onnxruntime, 1 thread');
    expect(two.title).toBe('onnxruntime, 2 threads');
    await Promise.all([one.dispose(), two.dispose()]);
  });

  it('counts hits', async () => {
    const of = network(about([1, 1, 3]), (net, input) => net.dense('scores', net.flatten('f', input), 3, 'softmax'));
    const engine = await createOnnxEngine(of, { threads: 1 });
    const parameters = new Map([
      ['scores/kernel', Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1)],
      ['scores/bias', new Float32Array(3)],
    ]);
    const pixels = Float32Array.of(3, 1, 0, 0, 2, 1, 0, 1, 5, 9, 0, 0);
    const targets = Float32Array.of(0.9, 0.05, 0.05, 0, 0, 1, 0, 0, 1, 1, 0, 0);
    expect((await engine.gradients(parameters, { count: 4, pixels, targets }, 1)).hits).toBe(3);
    await engine.dispose();
  });

  it('refuses parameters of another network', async () => {
    const of = network(about([1, 1, 3]), (net, input) => net.dense('scores', net.flatten('f', input), 3, 'softmax'));
    const engine = await createOnnxEngine(of, { threads: 1 });
    await expect(engine.gradients(new Map(), batchFor(of, 3), 1)).rejects.toThrow('scores/kernel');
    await engine.dispose();
  });
});

function about(shape: Shape) {
  return { name: 'small', title: 'Small', paper: 'none', input: { name: 'input', shape, deviation: 1 } };
}
