import { describe, expect, it } from 'vitest';
import baseline from '../../../../functions/runtime/int8/build/baseline.wasm';
import fused from '../../../../functions/runtime/int8/build/fused.wasm';
import relaxed from '../../../../functions/runtime/int8/build/relaxed.wasm';
import { loadInt8Classifier } from '../../../../functions/runtime/int8/classifier.ts';
import { encodeProgram } from '../../../../functions/runtime/int8/encoding.ts';
import { chooseKernels, hasRelaxedSimd } from '../../../../functions/runtime/int8/kernels.ts';
import type { Program } from '../../../../functions/runtime/int8/program.ts';
import { dense, weightsOf } from './two-pixels.ts';

const program: Program = {
  input: { height: 1, width: 2, channels: 1 },
  output: { offset: 128, classes: 3 },
  arenaBytes: 512,
  weightsBytes: 256,
  ops: [dense],
};

const weights = () => weightsOf(program.weightsBytes);

const load = (changes: Partial<Parameters<typeof loadInt8Classifier>[0]> = {}) =>
  loadInt8Classifier({
    modules: { baseline, relaxed },
    program: encodeProgram(program),
    weightsBytes: program.weightsBytes,
    fill: async (target) => target().set(weights()),
    ...changes,
  });

describe('loadInt8Classifier', () => {
  it.each([
    ['relaxed', { baseline, relaxed }],
    ['fused', { baseline: fused, relaxed: undefined }],
    ['baseline', { baseline, relaxed: undefined }],
  ])('classifies a batch with the %s build', async (_, modules) => {
    const classifier = await load({ modules });
    expect(classifier.bytes).toBe(65_536);
    const logits = await classifier.classify(Uint8Array.of(10, 3, 255, 0), 2);
    expect(Array.from(logits)).toEqual([23, 7, -8.5, 510, 255, 0.5]);
  });

  it('streams weights to where they stay', async () => {
    let memory: ArrayBuffer | undefined;
    const classifier = await load({
      fill: async (where) => {
        const target = where();
        memory = target.buffer;
        expect(target.length).toBe(program.weightsBytes);
        for (let at = 0; at < target.length; at += 100) target.set(weights().subarray(at, at + 100), at);
      },
    });
    expect(memory?.byteLength).toBe(classifier.bytes);
    expect((await classifier.classify(Uint8Array.of(1, 1), 1))[0]).toBe(3);
  });

  it.each([255, 257, 0])('refuses %i bytes of weights', async (weightsBytes) => {
    await expect(load({ weightsBytes })).rejects.toThrow(`needs 256 bytes of weights, and there are ${weightsBytes}`);
  });

  it('refuses a damaged program, weights that do not come, pixels that are not there', async () => {
    await expect(load({ program: encodeProgram(program).subarray(8) })).rejects.toThrow('no integer program');
    await expect(load({ fill: () => Promise.reject(new Error('the file ends')) })).rejects.toThrow('the file ends');
    const classifier = await load();
    await expect(classifier.classify(Uint8Array.of(1, 2, 3), 2)).rejects.toThrow('2 images of 2 bytes');
    classifier.dispose();
    await expect(classifier.classify(Uint8Array.of(1, 2), 1)).rejects.toThrow('disposed');
  });
});

describe('chooseKernels', () => {
  it('takes a relaxed build where the engine has it', () => {
    expect(hasRelaxedSimd()).toBe(true);
    expect(chooseKernels({ baseline, relaxed })).toBe(relaxed);
    expect(chooseKernels({ baseline, relaxed: undefined, fused })).toBe(baseline);
  });

  it('asks the processor which of them', () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    const { dotAddLane } = new WebAssembly.Instance(relaxed, { env: { memory } }).exports;
    const lane = (dotAddLane as (first: number, second: number) => number)(127, -1);
    expect([65_534, 129_540, -508]).toContain(lane);
    expect(chooseKernels({ baseline, relaxed, fused })).toBe(lane === 65_534 ? relaxed : fused);
  });
});
