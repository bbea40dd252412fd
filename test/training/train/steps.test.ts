import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { adamWStep } from '../../../training/train/adamw.ts';
import { averageWeights, moveStatistics } from '../../../training/train/averaging.ts';
import { oneCycle } from '../../../training/train/schedule.ts';

tf.enableProdMode();

const named = (name: string, ...values: number[]) => new Map([[name, Float32Array.from(values)]]);
const moments = (name: string, length: number) => ({
  first: new Map([[name, new Float32Array(length)]]),
  second: new Map([[name, new Float32Array(length)]]),
});

describe('AdamW', () => {
  const gradients = [
    [0.5, -2, 0.01],
    [0.1, 3, -0.02],
    [-4, 0.5, 0.03],
  ];

  it("takes the steps of TF.js' Adam where nothing decays", () => {
    const variable: tf.Variable = tf.variable(tf.tensor([1, 2, 3]), true, 'x');
    const adam = tf.train.adam(0.1, 0.9, 0.999, 1e-8);
    const parameters = named('a/bias', 1, 2, 3);
    const kept = moments('a/bias', 3);
    for (const [step, gradient] of gradients.entries()) {
      adam.applyGradients([{ name: 'x', tensor: tf.tensor(gradient) }]);
      adamWStep(parameters, named('a/bias', ...gradient), kept, { step, rate: 0.1, decay: 0.5 });
      for (const [at, value] of variable.dataSync().entries())
        expect(parameters.get('a/bias')?.[at]).toBeCloseTo(value, 5);
    }
  });

  it('lets kernels decay, whatever their gradient, and nothing else', () => {
    const step = (name: string) => {
      const parameters = named(name, 10, -10);
      adamWStep(parameters, named(name, 0, 0), moments(name, 2), { step: 0, rate: 0.1, decay: 0.2 });
      return [...(parameters.get(name) ?? [])];
    };
    expect(step('conv/kernel').map((value) => Number(value.toFixed(4)))).toEqual([9.8, -9.8]);
    for (const name of ['conv/bias', 'norm/gamma', 'norm/beta']) expect(step(name)).toEqual([10, -10]);
  });
});

describe('the schedule', () => {
  it('rises to the highest rate, falls to zero, and never jumps', () => {
    const rates = Array.from({ length: 1000 }, (_, step) => oneCycle(step, 1000));
    expect(Math.max(...rates)).toBe(1);
    expect(rates.indexOf(1)).toBe(99);
    expect(rates[0]).toBeLessThan(0.06);
    expect(rates[549]).toBeCloseTo(0.5, 2);
    expect(rates[999]).toBeLessThan(1e-4);
    for (const [step, rate] of rates.entries()) expect(Math.abs(rate - (rates[step - 1] ?? rate))).toBeLessThan(0.01);
    expect([0, 1, 2].map((step) => oneCycle(step, 3)).every((rate) => rate > 0 && rate <= 1)).toBe(true);
  });
});

describe('averages', () => {
  it('of statistics go a tenth of the way a batch', () => {
    const parameters = named('n/moving_mean', 1);
    moveStatistics(parameters, named('n/moving_mean', 11));
    expect(parameters.get('n/moving_mean')?.[0]).toBeCloseTo(2, 6);
    expect(() => moveStatistics(parameters, named('other/moving_mean', 1))).toThrow(/has no other\/moving_mean/);
  });

  it('of weights forget the beginning, and later move by a thousandth', () => {
    const averaged = named('a/kernel', 0);
    for (let step = 0; step < 200; step++) averageWeights(averaged, named('a/kernel', 1), step);
    expect(averaged.get('a/kernel')?.[0]).toBeGreaterThan(0.999);
    averageWeights(averaged, named('a/kernel', 2), 1e6);
    expect(averaged.get('a/kernel')?.[0]).toBeCloseTo(1.001, 3);
  });
});
