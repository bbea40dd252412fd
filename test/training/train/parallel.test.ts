import { describe, expect, it } from 'vitest';
import { network } from '../../../training/architectures/network.ts';
import { TrainingError } from '../../../training/train/errors.ts';
import { createOnnxEngine } from '../../../training/train/onnx/engine.ts';
import { openEngine } from '../../../training/train/open-engine.ts';
import { randomNumbers } from '../../../training/train/random.ts';
import { initialState } from '../../../training/train/state.ts';

/** Without batch norm and dropout, so that a share of a batch does what it does in the whole. */
const plain = network(
  { name: 'plain', title: 'plain', paper: 'none', input: { name: 'input', shape: [6, 6, 1], deviation: 1 } },
  (net, input) => {
    const conv = net.conv('conv', input, 5, 3, { activation: 'relu' });
    net.dense('scores', net.flatten('flatten', conv), 3, 'softmax');
  },
);
const count = 7;
const random = randomNumbers(1);
const pixels = Float32Array.from({ length: count * 36 }, random);
const targets = Float32Array.from({ length: count * 3 }, (_, at) => (Math.floor(at / 3) % 3 === at % 3 ? 1 : 0));

describe('workers', () => {
  it.each(['onnx', 'wasm'] as const)(
    'with %s, three on seven images, find the gradient of the whole batch',
    async (backend) => {
      const { parameters } = initialState(plain, 1);
      const alone = await createOnnxEngine(plain, { threads: 1 });
      const { engine } = await openEngine(plain, backend, 3);
      expect(engine.title).toMatch(/^3 workers, each /);
      const [expected, actual] = [
        await alone.gradients(parameters, { count, pixels, targets }, 1),
        await engine.gradients(parameters, { count, pixels, targets }, 1),
      ];
      expect(actual.loss).toBeCloseTo(expected.loss, 5);
      expect(actual.hits).toBe(expected.hits);
      expect([...actual.gradients.keys()].sort()).toEqual([...expected.gradients.keys()].sort());
      for (const [name, values] of expected.gradients)
        for (const [at, value] of values.entries()) expect(actual.gradients.get(name)?.[at]).toBeCloseTo(value, 5);
      const [one, shared] = [
        await alone.scores(parameters, pixels, count),
        await engine.scores(parameters, pixels, count),
      ];
      expect(shared).toHaveLength(one.length);
      for (const [at, score] of one.entries()) expect(shared[at]).toBeCloseTo(score, 5);
      await Promise.all([alone.dispose(), engine.dispose()]);
    },
  );

  it('that cannot start say why', async () => {
    const opening = openEngine(plain, 'webgpu', 2);
    await expect(opening).rejects.toThrow(TrainingError);
    await expect(opening).rejects.toThrow(/--workers 2 shares a CPU out/);
  });

  it('report an error of theirs, and answer again', async () => {
    const { engine } = await openEngine(plain, 'onnx', 2);
    const batch = { count, pixels, targets };
    await expect(engine.gradients(new Map(), batch, 1)).rejects.toThrow(/conv\/kernel/);
    const { loss } = await engine.gradients(initialState(plain, 1).parameters, batch, 1);
    expect(loss).toBeGreaterThan(0);
    await engine.dispose();
  });
});
