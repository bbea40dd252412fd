import { describe, expect, it } from 'vitest';
import { fitTemperature, reliability } from '../../../training/evaluate/calibration.ts';
import { compare } from '../../../training/evaluate/float-and-integer.ts';
import { interval95 } from '../../../training/evaluate/interval.ts';
import { mistakesOf, takenFor } from '../../../training/evaluate/mistakes.ts';
import { type Predictions, predict, probabilitiesAt } from '../../../training/evaluate/predictions.ts';
import { randomNumbers } from '../../../training/train/random.ts';

const predictions = (rows: readonly (readonly number[])[], labels: readonly number[]): Predictions => {
  const classes = rows[0]?.length ?? 0;
  const data = {
    images: new Uint8Array(labels.length),
    shape: [1, 1, 1] as const,
    labels: Uint8Array.from(labels),
    classNames: Array.from({ length: classes }, (_, at) => `class ${at}`),
    count: labels.length,
  };
  return { data, classes, logits: Float64Array.from(rows.flat()) };
};
const logsOf = (rows: readonly (readonly number[])[]) => rows.map((row) => row.map(Math.log));

describe('the interval of an accuracy', () => {
  it.each([
    // SciPy's binomtest(hits, n).proportion_ci(method='wilson')
    [8, 10, 0.4901625, 0.9433178],
    [0, 10, 0, 0.2775328],
    [10, 10, 0.7224672, 1],
    [9470, 10_000, 0.9424349, 0.9512218],
  ])("of %i in %i is Wilson's", (hits, n, low, high) => {
    const interval = interval95(hits / n, n);
    expect(interval[0]).toBeCloseTo(low, 6);
    expect(interval[1]).toBeCloseTo(high, 6);
  });
});

describe('probabilities', () => {
  it('of a softmax at temperature 1 are itself; a higher temperature evens them out, with the sum still 1', async () => {
    const rows = [
      [0.7, 0.2, 0.1],
      [0, 0.5, 0.5],
    ];
    const classifier = { bytes: 0, classify: async () => Float32Array.from(rows.flat()), dispose() {} };
    const made = await predict(classifier, predictions(rows, [0, 1]).data, 'softmax');
    for (const [at, value] of probabilitiesAt(made, 1).entries()) expect(value).toBeCloseTo(rows.flat()[at] ?? 0, 6);
    const warm = probabilitiesAt(made, 2);
    // p^(1/2) / Σ p^(1/2)
    const roots = [0.7, 0.2, 0.1].map(Math.sqrt);
    const sum = roots.reduce((a, b) => a + b);
    for (const [c, root] of roots.entries()) expect(warm[c]).toBeCloseTo(root / sum, 6);
  });
});

describe('reliability', () => {
  it('is the gap between confidence and accuracy, weighed by images', () => {
    // Two images at 0.9, one of them right; two at 0.6, both right: (2·|0.9 − 0.5| + 2·|0.6 − 1|) / 4.
    const rows = logsOf([
      [0.9, 0.1],
      [0.9, 0.1],
      [0.6, 0.4],
      [0.4, 0.6],
    ]);
    const { ece, bins } = reliability(predictions(rows, [0, 1, 0, 1]), 1);
    expect(ece).toBeCloseTo(0.4, 9);
    const used = bins.filter(({ count }) => count > 0);
    expect(used.map(({ count, accuracy }) => [count, accuracy])).toEqual([
      [2, 1],
      [2, 0.5],
    ]);
    for (const { from, to, confidence } of used) expect(confidence > from && confidence <= to).toBe(true);
    expect(bins).toHaveLength(15);
  });

  it('of certain and right answers is 0', () => {
    expect(reliability(predictions([[1000, 0]], [0]), 1).ece).toBe(0);
  });
});

describe('temperature', () => {
  it('finds what logits were multiplied by, and lowers the calibration error', () => {
    const random = randomNumbers(7);
    const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const truth = Array.from({ length: 20_000 }, () => [normal() * 2, normal() * 2, normal() * 2]);
    const labels = truth.map((row) => {
      const powers = row.map(Math.exp);
      const drawn = random() * powers.reduce((a, b) => a + b);
      const sums = powers.map((_, c) => powers.slice(0, c + 1).reduce((a, b) => a + b));
      return Math.max(
        0,
        sums.findIndex((sum) => drawn < sum),
      );
    });
    const overconfident = predictions(
      truth.map((row) => row.map((logit) => logit * 2.5)),
      labels,
    );
    const temperature = fitTemperature(overconfident);
    expect(temperature).toBeGreaterThan(2.4);
    expect(temperature).toBeLessThan(2.6);
    expect(reliability(overconfident, 1).ece).toBeGreaterThan(0.08);
    expect(reliability(overconfident, temperature).ece).toBeLessThan(0.015);
  });

  it('is left alone where nothing is wrong', () => {
    expect(
      fitTemperature(
        predictions(
          [
            [2, 0],
            [0, 3],
          ],
          [0, 1],
        ),
      ),
    ).toBe(1);
  });
});

describe('mistakes', () => {
  it('come with what they were taken for, the highest loss first', () => {
    const rows = logsOf([
      [0.5, 0.3, 0.2],
      [0.1, 0.2, 0.7],
      [0.9, 0.05, 0.05],
    ]);
    const found = mistakesOf(predictions(rows, [1, 2, 2]), 1);
    expect(found.map(({ at, label, predicted }) => [at, label, predicted])).toEqual([
      [2, 2, 0],
      [0, 1, 0],
    ]);
    expect(found[0]?.probability).toBeCloseTo(0.9, 9);
    expect(found[0]?.trueProbability).toBeCloseTo(0.05, 9);
  });

  it('are counted by class, with the class most often named instead', () => {
    const table = takenFor([
      [7, 1, 2],
      [0, 5, 0],
      [3, 3, 0],
    ]);
    expect(table).toEqual([
      { label: 0, images: 10, wrong: 3, most: { label: 2, count: 2 } },
      { label: 1, images: 5, wrong: 0, most: undefined },
      { label: 2, images: 6, wrong: 6, most: { label: 0, count: 3 } },
    ]);
  });
});

describe('float and integer', () => {
  it('are compared image by image', () => {
    const labels = [0, 0, 1, 1];
    const float = predictions(
      logsOf([
        [0.9, 0.1],
        [0.6, 0.4],
        [0.7, 0.3],
        [0.2, 0.8],
      ]),
      labels,
    );
    const integer = predictions(
      logsOf([
        [0.8, 0.2],
        [0.4, 0.6],
        [0.4, 0.6],
        [0.2, 0.8],
      ]),
      labels,
    );
    const { scoreDifference, ...counts } = compare(float, integer);
    expect(counts).toEqual({ n: 4, same: 2, onlyFloatRight: 1, onlyIntegerRight: 1 });
    expect(scoreDifference).toBeCloseTo((0.1 + 0.2 + 0.3 + 0) / 4, 9);
  });
});
