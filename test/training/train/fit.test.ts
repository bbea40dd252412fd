import { describe, expect, it } from 'vitest';
import { TrainingError } from '../../../training/train/errors.ts';
import { type EpochFigures, fitNetwork } from '../../../training/train/fit.ts';
import type { GradientEngine } from '../../../training/train/gradient-engine.ts';
import { createOnnxEngine } from '../../../training/train/onnx/engine.ts';
import { copyOf, initialState, type TrainingState } from '../../../training/train/state.ts';
import { halves, recipe, small } from './striped-images.ts';

const [training, validation] = [halves(330), halves(100, 8, 8)];
const plan = { recipe, seed: 5, training, validation };
const open = () => createOnnxEngine(small, { threads: 1 });

/** Answers as it is told, whatever it is asked. */
function scripted(losses: readonly number[], right: (asked: number) => boolean): GradientEngine {
  let [steps, asked] = [0, 0];
  return {
    title: 'scripted',
    async gradients() {
      const loss = losses[Math.min(steps++, losses.length - 1)] ?? 0;
      return { loss, hits: 0, gradients: new Map(), statistics: new Map() };
    },
    async scores(_parameters, _pixels, count) {
      const sure = right(asked++) ? 0.9 : 0.1;
      return Float32Array.from({ length: 2 * count }, (_, at) => (at % 2 === (at >> 1) % 2 ? sure : 1 - sure));
    },
    async dispose() {},
  };
}

describe('fitNetwork', () => {
  it('learns, and counts full batches of images', async () => {
    const engine = await open();
    const state = initialState(small, 1);
    const before = copyOf(state.parameters);
    const epochs: EpochFigures[] = [];
    expect(await fitNetwork(engine, plan, state, { onEpoch: (figures) => epochs.push(figures) })).toBe('finished');
    expect(epochs.map(({ epoch, seen, of }) => [epoch, seen, of])).toEqual([1, 2, 3].map((epoch) => [epoch, 320, 320]));
    expect(state.step).toBe(30);
    expect(epochs[2]?.loss).toBeLessThan(epochs[0]?.loss ?? 0);
    expect(state.best?.accuracy).toBeGreaterThan(0.95);
    // Every kind of parameter moved, those that no gradient moves as well.
    for (const [name, values] of state.parameters) expect(values, name).not.toEqual(before.get(name));
    await engine.dispose();
  });

  it('gives the same weights for the same seed, and others for another', async () => {
    const engine = await open();
    const runs: TrainingState[] = [];
    for (const seed of [5, 5, 6]) {
      const state = initialState(small, 1);
      await fitNetwork(engine, { ...plan, seed }, state);
      runs.push(state);
    }
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]?.parameters).not.toEqual(runs[0]?.parameters);
    await engine.dispose();
  });

  it('keeps the parameters of the epoch that did best', async () => {
    const state = initialState(small, 1);
    const epochs: EpochFigures[] = [];
    await fitNetwork(
      scripted([0.5], (asked) => asked === 1),
      plan,
      state,
      {
        onEpoch: (figures) => epochs.push(figures),
      },
    );
    expect(epochs.map(({ best }) => best)).toEqual([true, true, false]);
    expect(state.best).toMatchObject({ epoch: 2, accuracy: 1 });
  });

  it('stops when 15 epochs did no better', async () => {
    const state = initialState(small, 1);
    const long = { ...plan, recipe: { ...recipe, epochs: 40 } };
    const end = await fitNetwork(
      scripted([0.5], (asked) => asked === 3),
      long,
      state,
    );
    expect([end, state.best?.epoch, state.step]).toEqual(['no better', 4, (4 + 15) * 10]);
  });

  it.each([[Number.NaN], [Number.POSITIVE_INFINITY], [50]])('stops with a message at a loss of %s', async (loss) => {
    const state = initialState(small, 1);
    const training = fitNetwork(
      scripted([0.7, 0.7, loss], () => true),
      plan,
      state,
    );
    await expect(training).rejects.toThrow(TrainingError);
    await expect(training).rejects.toThrow(/diverged.*lower learning rate than 0.01/);
    expect(state.step).toBe(2);
  });
});
