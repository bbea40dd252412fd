import { describe, expect, it } from 'vitest';
import { type Features, type Head, type HeadEpoch, trainHead } from '../../../training/train/head.ts';
import { randomNumbers } from '../../../training/train/random.ts';

const normal = (random: () => number) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** Two classes of normal features with deviation `deviations[k]` around ± `deviations[k] · offsets[k]`, moved by 50. */
function clouds(count: number, offsets: readonly number[], deviations: readonly number[], seed: number): Features {
  const random = randomNumbers(seed);
  const labels = Uint8Array.from({ length: count }, (_, at) => at % 2);
  const size = offsets.length;
  const values = Float32Array.from({ length: count * size }, (_, place) => {
    const [at, k] = [Math.floor(place / size), place % size];
    const side = labels[at] === 1 ? 1 : -1;
    return 50 + (deviations[k] ?? 0) * (normal(random) + side * (offsets[k] ?? 0));
  });
  return { values, size, labels };
}

const train = (
  training: Features,
  validation: Features,
  classes: number,
  seed = 1,
): { head: Head; epochs: HeadEpoch[] } => {
  const epochs: HeadEpoch[] = [];
  return { head: trainHead(training, validation, classes, seed, (epoch) => epochs.push(epoch)), epochs };
};

describe('a head', () => {
  it('finds the log odds of two normal clouds, whatever the size and place of the features', () => {
    // Of clouds with deviation σ around ± σ·m the log odds are 2·m·(x − 50) / σ, feature by feature.
    const [offsets, deviations] = [
      [1, 0.5, 0],
      [1, 10, 0.1],
    ];
    const { head, epochs } = train(clouds(8000, offsets, deviations, 3), clouds(2000, offsets, deviations, 4), 2);
    for (const [k, offset] of offsets.entries()) {
      const odds = (head.weights[2 * k + 1] ?? 0) - (head.weights[2 * k] ?? 0);
      expect(odds * (deviations[k] ?? 1), `feature ${k}`).toBeCloseTo(2 * offset, 0);
      expect(Math.abs(odds * (deviations[k] ?? 1) - 2 * offset)).toBeLessThan(0.15);
    }
    // The share that the best rule gets right: Φ(√(1² + 0.5²)) = 0.8682.
    expect(Math.max(...epochs.map(({ validationAccuracy }) => validationAccuracy))).toBeCloseTo(0.868, 1);
    expect(epochs.at(-1)?.loss).toBeLessThan(epochs[0]?.loss ?? 0);
  });

  it('is that of the epoch that validates best, and the same again with the same seed', () => {
    const [training, validation] = [
      clouds(40, [0.4, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1], 5),
      clouds(400, [0.4, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1], 6),
    ];
    const { head, epochs } = train(training, validation, 2);
    const least = Math.min(...epochs.map(({ validationLoss }) => validationLoss));
    let loss = 0;
    for (const [at, label] of validation.labels.entries()) {
      const logits = [0, 1].map((n) =>
        validation.values
          .subarray(at * 6, at * 6 + 6)
          .reduce((sum, x, k) => sum + x * (head.weights[2 * k + n] ?? 0), head.bias[n] ?? 0),
      );
      loss += Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - (logits[label] ?? 0)), 0)) / 400;
    }
    expect(loss).toBeCloseTo(least, 4);
    expect(train(training, validation, 2).head).toEqual(head);
    expect(train(training, validation, 2, 2).head).not.toEqual(head);
  });

  it('bears a feature that never changes', () => {
    const training = { ...clouds(100, [2, 0], [1, 0], 7) };
    const { head } = train(training, training, 2);
    expect([...head.weights, ...head.bias].every(Number.isFinite)).toBe(true);
  });
});
