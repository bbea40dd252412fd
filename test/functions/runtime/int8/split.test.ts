import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import baseline from '../../../../functions/runtime/int8/build/baseline.wasm';
import relaxed from '../../../../functions/runtime/int8/build/relaxed.wasm';
import { OP_KINDS } from '../../../../functions/runtime/int8/encoding.ts';
import { Engine } from '../../../../functions/runtime/int8/engine.ts';
import type { Op } from '../../../../functions/runtime/int8/program.ts';
import { splitOp } from '../../../../functions/runtime/int8/split.ts';
import { convolutions } from './cases.ts';
import type { OneOp } from './one-op.ts';
import { simple } from './simple-cases.ts';

const cases = { ...convolutions, ...simple };

/** The arena after these ops, one after the other, scratch zeroed. */
function arenaAfter(module: WebAssembly.Module, { program, weights, arena }: OneOp, ops: readonly Op[]): Uint8Array {
  const engine = new Engine(module, { ...program, ops });
  engine.weights.set(weights);
  engine.arena.set(arena);
  engine.run();
  const all = engine.arena.slice();
  const [op] = program.ops;
  if (op && 'scratch' in op) all.fill(0, op.scratch, op.scratch + op.scratchBytes);
  return all;
}

describe.each([
  ['baseline', baseline],
  ['relaxed', relaxed],
] as const)('parts of an op, on the %s build', (_, module) => {
  it.each(OP_KINDS)('give the bits of the whole, in any order, and touch nothing else: %s', (kind) => {
    let [split, counted] = [0, 0];
    const threads = fc.integer({ min: 2, max: 7 });
    fc.assert(
      fc.property(cases[kind] as fc.Arbitrary<OneOp>, threads, fc.nat(), (one, count, turn) => {
        const [op] = one.program.ops;
        const parts = op ? splitOp(op, count, 0) : null;
        if (!parts) return;
        split++;
        expect(parts.length).toBeGreaterThan(1);
        expect(parts.length).toBeLessThanOrEqual(count);
        const from = turn % parts.length;
        const turned = [...parts.slice(from), ...parts.slice(0, from)].reverse();
        const whole = arenaAfter(module, one, one.program.ops);
        const actual = arenaAfter(module, one, turned);
        const at = whole.findIndex((byte, index) => byte !== actual[index]);
        if (at >= 0) throw new Error(`byte ${at} is ${actual[at]}, not ${whole[at]}`);
        // One part alone leaves something undone: each of them counts.
        const without = arenaAfter(module, one, turned.slice(1));
        counted += without.some((byte, index) => byte !== whole[index]) ? 1 : 0;
      }),
      { numRuns: 200 },
    );
    expect(split).toBeGreaterThan(50);
    expect(counted).toBeGreaterThan(40);
  });
});

describe('an op', () => {
  it('is left whole where it is small, and where there is one thread', () => {
    const [{ program }] = fc.sample(simple['max-pool'] as fc.Arbitrary<OneOp>, 1) as [OneOp];
    const [op] = program.ops as [Op];
    expect(splitOp(op, 2)).toBeNull();
    expect(splitOp(op, 1, 0)).toBeNull();
  });
});
