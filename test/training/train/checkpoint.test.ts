import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCheckpoint, writeCheckpoint } from '../../../training/train/checkpoint.ts';
import { type EpochFigures, fitNetwork } from '../../../training/train/fit.ts';
import type { GradientEngine } from '../../../training/train/gradient-engine.ts';
import { createOnnxEngine } from '../../../training/train/onnx/engine.ts';
import { RunFolder } from '../../../training/train/run-folder.ts';
import { initialState, type TrainingState } from '../../../training/train/state.ts';
import { halves, recipe, small } from './striped-images.ts';

const identity = { network: 'small', seed: 1, epochs: 3 };
const plan = { recipe, seed: 5, training: halves(330), validation: halves(60, 8, 8) };
let dir: string;
let file: string;

beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'checkpoint-'));
  file = path.join(dir, 'checkpoint.bin');
});
afterEach(() => rm(dir, { recursive: true }));

describe('a checkpoint', () => {
  it('brings back every number', async () => {
    const state = initialState(small, 1);
    for (const [at, values] of [...state.parameters.values(), ...state.moments.second.values()].entries())
      values.fill(Math.PI * at);
    state.step = 17;
    state.running = { seen: 3, loss: 0.25, hits: 2 };
    state.best = { epoch: 1, accuracy: 0.5, loss: 0.75, parameters: initialState(small, 2).parameters };
    await writeCheckpoint(file, identity, state);
    const read = initialState(small, 9);
    await readCheckpoint(file, identity, read);
    expect(read).toEqual(state);
    expect(existsSync(`${file}.new`)).toBe(false);
  });

  it.each([2, 9, 10, 14])('after step %i leads to the same weights as training without a stop', async (stopAt) => {
    const engine = await createOnnxEngine(small, { threads: 1 });
    const whole = initialState(small, 1);
    await fitNetwork(engine, plan, whole);

    const killed = initialState(small, 1);
    const stop = new Error('killed');
    const interrupt = async () => {
      if (killed.step < stopAt) return;
      await writeCheckpoint(file, identity, killed);
      throw stop;
    };
    // At the end of an epoch it is saved after validation, elsewhere whenever a minute is over.
    const steps: GradientEngine = {
      ...engine,
      async gradients(...asked) {
        if (killed.step % 10 !== 0) await interrupt();
        return engine.gradients(...asked);
      },
    };
    await expect(fitNetwork(steps, plan, killed, { save: interrupt })).rejects.toBe(stop);
    expect(killed.step).toBe(stopAt);

    const resumed = initialState(small, 77);
    await readCheckpoint(file, identity, resumed);
    const epochs: EpochFigures[] = [];
    await fitNetwork(engine, plan, resumed, { onEpoch: (figures) => epochs.push(figures) });
    expect(resumed.parameters).toEqual(whole.parameters);
    expect(resumed.averaged).toEqual(whole.averaged);
    expect(epochs.every(({ seen }) => seen === 320)).toBe(true);
    await engine.dispose();
  });

  it('of another network is refused by name, and of another plan by what differs', async () => {
    await writeCheckpoint(file, identity, initialState(small, 1));
    const read = (other: object) => readCheckpoint(file, { ...identity, ...other }, initialState(small, 1));
    await expect(read({ network: 'lenet5' })).rejects.toThrow(/of the network "small", not of "lenet5"/);
    await expect(read({ epochs: 30 })).rejects.toThrow(/with epochs 3, and this one has 30/);
    await expect(read({})).resolves.toBeUndefined();
  });

  it('that is missing, cut off or something else is said to be so', async () => {
    const read = () => readCheckpoint(file, identity, initialState(small, 1));
    await expect(read()).rejects.toThrow(/no checkpoint to resume from.*ENOENT.*without --resume/);
    await writeCheckpoint(file, identity, initialState(small, 1));
    await truncate(file, (await readFile(file)).length - 5);
    await expect(read()).rejects.toThrow(/no checkpoint that can be read: it holds/);
    await truncate(file, 60);
    await expect(read()).rejects.toThrow(/no checkpoint that can be read/);
    await writeFile(file, 'hello');
    await expect(read()).rejects.toThrow(/does not begin as one/);
  });
});

const full = existsSync('/dev/full');
describe('a full disk', () => {
  it.skipIf(!full)(
    `leaves the last checkpoint, and training goes on${full ? '' : ' (skipped: no /dev/full)'}`,
    async () => {
      const notices: string[] = [];
      const run = new RunFolder(dir, identity, (text) => notices.push(text));
      const state: TrainingState = initialState(small, 1);
      state.step = 5;
      await run.save(state);
      await symlink('/dev/full', `${file}.new`);
      state.step = 6;
      await run.save(state);
      expect(notices).toEqual([expect.stringMatching(/No checkpoint was written, the last one is kept: .*ENOSPC/)]);
      const read = initialState(small, 2);
      await run.resume(read);
      expect(read.step).toBe(5);
      await run.save(state);
      await run.resume(read);
      expect(read.step).toBe(6);
    },
  );
});
