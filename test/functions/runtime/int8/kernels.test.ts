import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import baseline from '../../../../functions/runtime/int8/build/baseline.wasm';
import fused from '../../../../functions/runtime/int8/build/fused.wasm';
import relaxed from '../../../../functions/runtime/int8/build/relaxed.wasm';
import { checkProgram } from '../../../../functions/runtime/int8/check.ts';
import { OP_KINDS } from '../../../../functions/runtime/int8/encoding.ts';
import { Engine, memoryBytes } from '../../../../functions/runtime/int8/engine.ts';
import { ReferenceMemory } from '../../../../functions/runtime/int8/reference/memory.ts';
import { outputOf, runOp } from '../../../../functions/runtime/int8/reference/run.ts';
import { convolutions } from './cases.ts';
import type { OneOp } from './one-op.ts';
import { simple } from './simple-cases.ts';

const cases = { ...convolutions, ...simple };
const RUNS = 100;

/** The arena after the op, scratch zeroed: outputs, and every byte around them. */
function byReference({ program, weights, arena }: OneOp): Uint8Array {
  const memory = new ReferenceMemory(program, weights);
  memory.arena.set(arena);
  for (const op of program.ops) runOp(op, memory);
  return withoutScratch(program.ops[0], memory.arena);
}

function byKernels(module: WebAssembly.Module, { program, weights, arena }: OneOp): Uint8Array {
  // Behind another program, where a third one was.
  const [at, bytes] = [65_536, memoryBytes(program)];
  const memory = new WebAssembly.Memory({ initial: (at + bytes) / 65_536 });
  new Uint8Array(memory.buffer).fill(0xa5);
  const engine = new Engine(module, program, { memory, at, bytes });
  engine.weights.set(weights);
  engine.arena.set(arena);
  // Canaries behind the arena, up to the end of the memory; weights and records lie before it.
  const all = new Uint8Array(memory.buffer);
  const start = engine.arena.byteOffset;
  const end = start + engine.arena.length;
  all.subarray(end).forEach((_, at, tail) => {
    tail[at] = (at * 197 + 91) & 255;
  });
  const [before, behind] = [all.slice(at - 1024, start), all.slice(end)];
  engine.run();
  expect(firstDifference(all.subarray(at - 1024, start), before)).toBe(-1);
  expect(firstDifference(all.subarray(end), behind)).toBe(-1);
  return withoutScratch(program.ops[0], engine.arena);
}

function withoutScratch(op: OneOp['program']['ops'][number] | undefined, arena: Uint8Array): Uint8Array {
  const copy = arena.slice();
  if (op && 'scratch' in op) copy.fill(0, op.scratch, op.scratch + op.scratchBytes);
  return copy;
}

const firstDifference = (a: Uint8Array, b: Uint8Array): number => a.findIndex((byte, at) => byte !== b[at]);

describe('cases', () => {
  it('are there for every kind of op', () => {
    expect(Object.keys(cases).sort()).toEqual([...OP_KINDS].sort());
  });
});

describe.each([
  ['baseline', baseline, 0, 0],
  ['relaxed', relaxed, 1, 0],
  ['fused', fused, 1, 1],
] as const)('the %s build', (_, module, isRelaxed, isFused) => {
  it('is the one that it is called, and has no data of its own', () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    expect((exports.isRelaxed as () => number)()).toBe(isRelaxed);
    expect((exports.isFused as () => number)()).toBe(isFused);
    expect(new Uint8Array(memory.buffer).every((byte) => byte === 0)).toBe(true);
  });

  it.each(OP_KINDS)('gives the bits of the reference and touches nothing else: %s', (kind) => {
    const seen = new Set<number>();
    fc.assert(
      fc.property(cases[kind] as fc.Arbitrary<OneOp>, (one) => {
        checkProgram(one.program);
        const expected = byReference(one);
        const actual = byKernels(module, one);
        const [op] = one.program.ops;
        if (op) for (const value of outputOf(op, expected as Uint8Array<ArrayBuffer>)) seen.add(value);
        const at = firstDifference(expected, actual);
        if (at >= 0) throw new Error(`byte ${at} is ${actual[at]}, not ${expected[at]}`);
      }),
      { numRuns: RUNS },
    );
    // Cases that saturate everywhere would prove little.
    expect(seen.size).toBeGreaterThan(60);
  });
});
