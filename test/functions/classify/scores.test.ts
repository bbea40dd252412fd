import { expect, it } from 'vitest';
import { probabilities, rank } from '../../../functions/classify/scores.ts';

const labels = ['a', 'b', 'c', 'd'].map((label) => ({ label }));

it('is the softmax of logits over the temperature', () => {
  // e^1 : e^2 : e^3 = 0.0900 : 0.2447 : 0.6652
  const got = probabilities(Float32Array.of(1, 2, 3), 'logits', 1);
  [0.09003057, 0.24472847, 0.66524096].forEach((want, i) => {
    expect(got[i]).toBeCloseTo(want, 6);
  });
  const cooler = probabilities(Float32Array.of(2, 4, 6), 'logits', 2);
  cooler.forEach((value, i) => {
    expect(value).toBeCloseTo(got[i] ?? 0, 6);
  });
});

it('does not overflow', () => {
  const got = probabilities(Float32Array.of(-1e4, 1e4, 1e4), 'logits', 1);
  expect([...got]).toEqual([0, 0.5, 0.5]);
});

it('brings a softmax to a temperature as if through its logits', () => {
  const once = probabilities(Float32Array.of(1, 2, 3), 'logits', 3);
  const twice = probabilities(probabilities(Float32Array.of(1, 2, 3), 'logits', 1), 'softmax', 3);
  twice.forEach((value, i) => {
    expect(value).toBeCloseTo(once[i] ?? 0, 6);
  });
});

it('ranks highest first, equal scores in the order of classes, and leaves out what is too low', () => {
  const scores = Float32Array.of(0.125, 0.5, 0.125, 0.25);
  expect(rank(scores, labels, { topK: 4, minScore: 0 }).map((p) => p.label)).toEqual(['b', 'd', 'a', 'c']);
  expect(rank(scores, labels, { topK: 2, minScore: 0 }).map((p) => p.index)).toEqual([1, 3]);
  expect(rank(scores, labels, { topK: 4, minScore: 0.25 }).map((p) => p.label)).toEqual(['b', 'd']);
});
