import { describe, expect, it } from 'vitest';
import { marginFor, measureCascade, type Stage } from '../../../training/evaluate/cascade.ts';

const stage = (margin: number, small: number, large: number, label: number): Stage => ({ margin, small, large, label });
const stages = [
  stage(0.9, 1, 1, 1),
  stage(0.8, 0, 0, 1),
  stage(0.7, 1, 0, 1),
  stage(0.6, 1, 1, 1),
  stage(0.5, 0, 1, 1),
];

describe('a cascade', () => {
  it('has the least margin that agrees often enough', () => {
    expect(marginFor(stages, 1)).toBe(0.8);
    expect(marginFor(stages, 0.8)).toBe(0.6);
    expect(marginFor(stages, 0.6)).toBe(0.5);
    expect(marginFor([stage(0.9, 1, 0, 1)], 1)).toBe(1);
  });

  it('does not cut between equal margins', () => {
    expect(marginFor([stage(0.9, 1, 1, 1), stage(0.5, 1, 1, 1), stage(0.5, 0, 1, 1)], 1)).toBe(0.9);
  });

  it('is measured by who answers what', () => {
    expect(measureCascade(stages, 0.7)).toEqual({ agreement: 0.8, answeredByFirst: 0.6, top1: 0.8, secondTop1: 0.6 });
  });
});
