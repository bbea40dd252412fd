import { describe, expect, it } from 'vitest';
import baseline from '../../../../functions/runtime/int8/build/baseline.wasm';
import fused from '../../../../functions/runtime/int8/build/fused.wasm';
import relaxed from '../../../../functions/runtime/int8/build/relaxed.wasm';
import { loadInt8Classifier } from '../../../../functions/runtime/int8/classifier.ts';
import { encodeProgram } from '../../../../functions/runtime/int8/encoding.ts';
import { chooseKernels, hasRelaxedSimd } from '../../../../functions/runtime/int8/kernels.ts';
import { convFirstWeightIndex } from '../../../../functions/runtime/int8/layout.ts';
import type { OpOf, Program } from '../../../../functions/runtime/int8/program.ts';

/** Two grey pixels → three logits: 2a + b, a − b, −3b + 0.5. */
const dense: OpOf<'conv-first'> = {
  kind: 'conv-first',
  layer: 'dense',
  ...{ input: 0, inputHeight: 1, inputWidth: 2, inputChannels: 1, inputStride: 1 },
  ...{ output: 128, outputHeight: 1, outputWidth: 1, outputChannels: 3, outputStride: 3 },
  ...{ kernelHeight: 1, kernelWidth: 2, strideY: 1, strideX: 1, padTop: 0, padLeft: 0 },
  ...{ scale: 64, bias: 96, residual: -1, residualStride: 0, residualScale: 0, activation: 0, slope: 0 },
  ...{ alpha: 0, beta: 0, activationScale: 0, activationZero: 0, low: 0, high: 127, float: 1 },
  ...{ weights: 128, padValues: 0, scratch: 256, scratchBytes: 68 },
};
const program: Program = {
  input: { height: 1, width: 2, channels: 1 },
  output: { offset: 128, classes: 3 },
  arenaBytes: 512,
  weightsBytes: 256,
  ops: [dense],
};

function weights(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(program.weightsBytes);
  const view = new DataView(bytes.buffer);
  [
    [2, 1],
    [1, -1],
    [0, -3],
  ].forEach((row, n) => {
    view.setFloat32(dense.scale + 4 * n, 1, true);
    row.forEach((weight, tap) => {
      view.setInt8(dense.weights + convFirstWeightIndex(dense, n, tap, 0), weight);
    });
  });
  view.setFloat32(dense.bias + 8, 0.5, true);
  return bytes;
}

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
