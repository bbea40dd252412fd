import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planMemory, type Tenancy } from '../../../training/compile/plan-memory.ts';

/** Conv, 1x1 conv, 3x3 conv, 1x1 conv + residual … of ResNet-50's first stage: bytes, first and last op. */
const BOTTLENECKS: readonly Tenancy[] = [
  { name: 'pixels', bytes: 150_528, first: 0, last: 0, fixed: 0 },
  { name: 'conv1', bytes: 802_816, first: 0, last: 1 },
  { name: 'pool', bytes: 200_704, first: 1, last: 5 },
  { name: 'a', bytes: 200_704, first: 2, last: 3 },
  { name: 'b', bytes: 200_704, first: 3, last: 4 },
  { name: 'c', bytes: 802_816, first: 4, last: 8 },
  { name: 'd', bytes: 200_704, first: 6, last: 7 },
  { name: 'e', bytes: 200_704, first: 7, last: 8 },
];

const alive = (tenancies: readonly Tenancy[], op: number) =>
  tenancies.filter(({ first, last }) => first <= op && op <= last).reduce((sum, { bytes }) => sum + bytes, 0);

const tenancies = fc
  .array(fc.record({ bytes: fc.integer({ min: 1, max: 5000 }), first: fc.nat(30), length: fc.nat(8) }), {
    maxLength: 40,
  })
  .map((items) =>
    items.map(({ bytes, first, length }, index): Tenancy => {
      return { name: `t${index}`, bytes, first, last: first + length };
    }),
  );

function expectApart(all: readonly Tenancy[]): number {
  const { offsets, bytes } = planMemory(all);
  for (const [index, a] of all.entries()) {
    const start = offsets.get(a.name) ?? Number.NaN;
    expect(start).toBeGreaterThanOrEqual(0);
    expect(start % 64).toBe(0);
    expect(start + a.bytes).toBeLessThanOrEqual(bytes);
    if (a.fixed !== undefined) expect(start).toBe(a.fixed);
    for (const b of all.slice(index + 1)) {
      if (a.first > b.last || b.first > a.last) continue;
      const other = offsets.get(b.name) ?? Number.NaN;
      expect(start + a.bytes <= other || other + b.bytes <= start, `${a.name} and ${b.name}`).toBe(true);
    }
  }
  return bytes;
}

describe('planMemory', () => {
  it('never lets two that are alive at one op overlap', () => {
    fc.assert(
      fc.property(tenancies, (all) => {
        expectApart(all);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps a fixed place free for its tenant', () => {
    fc.assert(
      fc.property(tenancies, fc.integer({ min: 1, max: 5000 }), (all, bytes) => {
        expectApart([{ name: 'input', bytes, first: 0, last: 3, fixed: 0 }, ...all]);
      }),
    );
  });

  it('needs for bottlenecks what is alive at the fullest op, and the input, whose place is fixed', () => {
    const fullest = Math.max(...BOTTLENECKS.map(({ first }) => alive(BOTTLENECKS, first)));
    expect(fullest).toBe(1_204_224);
    expect(expectApart(BOTTLENECKS)).toBeLessThanOrEqual(fullest + 150_528);
    expect(expectApart(BOTTLENECKS.slice(1))).toBe(fullest);
  });

  it('wastes little on random networks', () => {
    const waste: number[] = [];
    for (const all of fc.sample(tenancies, { seed: 7, numRuns: 200 })) {
      const fullest = Math.max(0, ...Array.from({ length: 40 }, (_, op) => alive(all, op)));
      if (fullest > 0) waste.push(planMemory(all).bytes / fullest);
    }
    expect(waste.reduce((a, b) => a + b, 0) / waste.length).toBeLessThan(1.12);
  });

  it('needs nothing for nothing', () => {
    expect(planMemory([]).bytes).toBe(0);
  });
});
