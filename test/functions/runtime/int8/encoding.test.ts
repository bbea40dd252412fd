import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import layouts from '../../../../functions/runtime/int8/assembly/op.ts?raw';
import relaxed from '../../../../functions/runtime/int8/build/relaxed.wasm';
import { decodeProgram, encodeProgram, OP_KINDS } from '../../../../functions/runtime/int8/encoding.ts';
import { Engine, memoryBytes } from '../../../../functions/runtime/int8/engine.ts';
import { fields, type Op, type OpKind, type OpOf, type Program } from '../../../../functions/runtime/int8/program.ts';
import { convolutions } from './cases.ts';
import type { OneOp } from './one-op.ts';
import { simple } from './simple-cases.ts';

const anyOp = fc.oneof(...(Object.values({ ...convolutions, ...simple }) as fc.Arbitrary<OneOp>[]));

describe('encoding', () => {
  it('gives back what it was given', () => {
    fc.assert(
      fc.property(anyOp, fc.string({ maxLength: 40 }), ({ program }, layer) => {
        const named = { ...program, ops: program.ops.map((op) => ({ ...op, layer }) as Op) };
        expect(decodeProgram(encodeProgram(named))).toEqual(named);
      }),
    );
  });

  it('lays records out as the kernels read them', () => {
    const classes = new Map<string, string[]>();
    for (const [, name = '', parent = '', body = ''] of layouts.matchAll(
      /class (\w+)(?: extends (\w+))? \{([^}]*)\}/g,
    )) {
      const own = Array.from(body.matchAll(/(\w+): (i32|f32);/g), ([, field, type]) => `${field} ${type}`);
      classes.set(name, [...(classes.get(parent) ?? []), ...own]);
    }
    const sections: Readonly<Record<OpKind, readonly string[]>> = {
      'conv-first': ['Windowed', 'Epilogue', 'ConvFirstTail'],
      conv: ['Windowed', 'Epilogue', 'ConvTail'],
      depthwise: ['Windowed', 'Epilogue', 'DepthwiseTail'],
      'dense-int4': ['Tensors', 'Epilogue', 'DenseInt4Tail'],
      'max-pool': ['Windowed'],
      'average-pool': ['AveragePool'],
      'global-average': ['GlobalAverage'],
      lrn: ['Lrn'],
      add: ['Add'],
      mul: ['Mul'],
      lookup: ['Lookup'],
      copy: ['Copy'],
      'depthwise-wide': ['Windowed', 'Epilogue', 'DepthwiseTail'],
    };
    for (const kind of OP_KINDS) {
      const words = Object.entries(fields[kind]).map(([name, type]) => `${name} ${type}32`);
      expect(
        sections[kind].flatMap((section) => classes.get(section) ?? []),
        kind,
      ).toEqual(words);
    }
  });
});

/** A 1x1 convolution from 4 to 8 channels on 3x2 pixels. */
const conv: OpOf<'conv'> = {
  kind: 'conv',
  layer: 'stem',
  ...{ input: 64, inputHeight: 3, inputWidth: 2, inputChannels: 4, inputStride: 8 },
  ...{ output: 192, outputHeight: 3, outputWidth: 2, outputChannels: 8, outputStride: 8 },
  ...{ kernelHeight: 1, kernelWidth: 1, strideY: 1, strideX: 1, padTop: 0, padLeft: 0 },
  ...{ scale: 64, bias: 96, residual: -1, residualStride: 0, residualScale: 0, activation: 0, slope: 0 },
  ...{ alpha: 0, beta: 0, activationScale: 0, activationZero: 0, low: 0, high: 127, float: 0 },
  ...{ dilationY: 1, dilationX: 1, groups: 1, padValue: 0, weights: 128, form: 0, scratch: 0, scratchBytes: 0 },
};
const program: Program = {
  input: { height: 3, width: 2, channels: 1 },
  output: { offset: 0, classes: 2 },
  arenaBytes: 512,
  weightsBytes: 128 + 128 + 64,
  ops: [conv],
};

describe('a program is refused', () => {
  const refused: readonly [why: string, changes: Partial<OpOf<'conv'>>, message: RegExp][] = [
    ['whose input leaves the arena', { input: 512 - 64 - 44 + 1 }, /op 0 \(conv "stem"\) has its input at/],
    ['whose output leaves the arena', { output: 512 }, /output/],
    ['whose output begins before it', { output: -8 }, /output/],
    ['whose weights leave the block', { weights: 129 }, /weights/],
    ['whose biases lie in the unused first bytes', { bias: 32 }, /bias/],
    ['whose output lies on its input', { output: 100 }, /writes its output over its input/],
    ['whose stride is below its channels', { outputStride: 7 }, /outputStride 7/],
    ['that has no pixels', { inputHeight: 0 }, /size/],
    ['whose product of sizes overflows', { inputHeight: 32_768, inputWidth: 32_768 }, /input/],
    ['with a window without scratch', { kernelWidth: 2, scratchBytes: 64 }, /scratch/],
    ['whose scratch is the output', { strideX: 2, scratch: 192, scratchBytes: 128 }, /over its scratch/],
    ['of an unknown activation', { activation: 9 }, /activation 9/],
    ['of an unknown form', { form: 7 }, /form 7/],
    ['that clamps beyond 8 bits', { high: 256 }, /clamps/],
    ['that pads 7 bits with more', { padValue: 128 }, /pads/],
    ['that pads 8 bits with more', { form: 3, padValue: 256 }, /pads/],
    ['with a scale that is no number', { residualScale: Number.NaN }, /residualScale/],
    ['with an infinite activation', { alpha: Number.POSITIVE_INFINITY }, /alpha/],
    ['whose groups do not divide', { groups: 3 }, /3 groups/],
    ['whose float output is not aligned', { float: 1, output: 194 }, /float/],
    ['whose residual leaves the arena', { residual: 500, residualStride: 8 }, /residual/],
    ['whose stride is negative', { strideX: -1 }, /stride/],
  ];

  it('but not as it stands here', () => {
    expect(decodeProgram(encodeProgram(program)).ops).toEqual([conv]);
  });

  it.each(refused)('%s', (_, changes, message) => {
    expect(() => encodeProgram({ ...program, ops: [{ ...conv, ...changes }] })).toThrow(message);
  });

  it.each([
    ['of another version', 4, 99, /version 99/],
    ['that is something else', 0, 0, /no integer program/],
    ['with an op that the engine does not know', 40, 77, /op 0 is of a kind/],
    ['with no ops', 36, 0, /0 ops/],
    ['whose result leaves the arena', 20, 508, /output outside/],
    ['that needs more than there can be', 28, 2 ** 31 - 1, /2 GiB/],
  ])('%s', (_, at, value, message) => {
    const bytes = encodeProgram(program);
    new DataView(bytes.buffer).setInt32(at, value, true);
    expect(() => decodeProgram(bytes)).toThrow(message);
  });

  it('cut off anywhere, or with something behind it', () => {
    const bytes = encodeProgram(program);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeProgram(bytes.subarray(0, length)), `${length} bytes`).toThrow();
    }
    expect(() => decodeProgram(Uint8Array.of(...bytes, 0))).toThrow(/too many/);
  });
});

describe('altered programs', () => {
  const value = fc.oneof(
    fc.integer({ min: -2, max: 70 }).map((n) => () => n),
    fc.integer({ min: -9, max: 9 }).map((by) => (old: number) => old + by),
    fc.integer({ min: 1, max: 4 }).map((by) => (old: number) => old * by),
    fc.integer().map((n) => () => n),
    fc.integer({ min: 0, max: 31 }).map((bit) => (old: number) => old ^ (1 << bit)),
  );
  const changes = fc.array(fc.tuple(fc.nat(), value), { minLength: 1, maxLength: 3 });

  it('are refused, or run within their own memory', () => {
    let [ran, refused] = [0, 0];
    fc.assert(
      fc.property(anyOp, changes, ({ program, weights, arena }, changes) => {
        const bytes = encodeProgram(program);
        const view = new DataView(bytes.buffer);
        // All words but the memory's size, which the manifest limits.
        const words = (bytes.length >> 2) - 10;
        for (const [index, value] of changes) {
          const at = 40 + (index % words) * 4;
          view.setInt32(at, value(view.getInt32(at, true)), true);
        }
        let altered: Program;
        try {
          altered = decodeProgram(bytes);
        } catch {
          refused++;
          return;
        }
        ran++;
        const engine = new Engine(relaxed, altered);
        engine.weights.set(weights);
        engine.arena.set(arena);
        const before = new Uint8Array(engine.arena.buffer).slice(0, engine.arena.byteOffset);
        engine.run();
        const after = new Uint8Array(engine.arena.buffer);
        expect(before.every((byte, at) => byte === after[at])).toBe(true);
        expect(after.subarray(engine.arena.byteOffset + arena.length).every((byte) => byte === 0)).toBe(true);
      }),
      { numRuns: 1500 },
    );
    expect(ran).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(100);
  });

  it('take exactly the planned memory', () => {
    const engine = new Engine(relaxed, program);
    expect(engine.bytes).toBe(65_536);
    expect(engine.bytes).toBe(memoryBytes(program));
    expect(engine.arena.buffer.byteLength).toBe(engine.bytes);
  });
});
