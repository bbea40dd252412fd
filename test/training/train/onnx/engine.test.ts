import { describe, expect, it } from 'vitest';
import { type Layer, parametersOf, sizeOf } from '../../../../training/architectures/layer.ts';
import type { Network } from '../../../../training/architectures/network.ts';
import type { Batch, NamedArrays } from '../../../../training/train/gradient-engine.ts';
import { createOnnxEngine } from '../../../../training/train/onnx/engine.ts';
import { randomNumbers } from '../../../../training/train/random.ts';
import { toy } from '../../architectures/toy.ts';
import { SMALL } from './small-networks.ts';
import { tfjsGradients } from './tfjs-gradients.ts';

const COUNT = 4;

/** Smoothed targets, and pixels that are no one's mean. */
function batchFor({ input: { shape, deviation } }: Network, classes: number, count = COUNT): Batch {
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
    const batch = batchFor(of, of.layers.at(-1)?.output[2] ?? 0);
    const expected = await tfjsGradients(of, parameters, batch);
    const engine = await createOnnxEngine(of, { threads: 1 });
    const { loss, hits, gradients, statistics } = await engine.gradients(parameters, batch, 1);
    expect(loss).toBeCloseTo(expected.loss, 4);
    expect(hits).toBeGreaterThanOrEqual(0);
    expectClose(gradients, expected.gradients, 1e-4);
    expectClose(statistics, expected.statistics, 1e-3);
    expect(difference(await engine.scores(parameters, batch.pixels, COUNT), expected.scores)).toBeLessThan(1e-4);
    await engine.dispose();
  });
});
