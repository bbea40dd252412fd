import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KeptInstance } from '../../../functions/image/kept-instance.ts';
import { MemoryBudget } from '../../../functions/memory-budget.ts';

/** Holds what it was last grown to. */
class Memory {
  heldBytes = 0;

  grow(bytes: number): void {
    this.heldBytes = Math.max(this.heldBytes, bytes);
  }
}

const MB = 1_000_000;
const OUTSIDE = MB;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function subject(totalBytes: number) {
  const budget = new MemoryBudget(totalBytes);
  // Held here, so that none is collected while a test runs.
  const made: Memory[] = [];
  const kept = new KeptInstance(() => {
    const memory = new Memory();
    made.push(memory);
    return memory;
  }, budget);
  const decode = (bytes: number, broken = false) =>
    kept.with(bytes, OUTSIDE, (memory, drop) => {
      memory.grow(bytes);
      if (broken) drop();
      return memory;
    });
  return { budget, made, decode };
}

describe('an instance of a decoder', () => {
  it('serves large pictures one after the other, without a wait, and stays reserved', async () => {
    const { budget, made, decode } = subject(64 * MB);
    for (const bytes of [40, 42, 40, 41, 42]) await decode(bytes * MB);
    expect(made.length).toBe(1);
    expect(budget.totalBytes - budget.freeBytes).toBe(42 * MB);
  });

  it('is let go when others need its memory, and counts until it is collected', async () => {
    const { budget, made, decode } = subject(64 * MB);
    await decode(40 * MB);
    const other = budget.reserve(50 * MB, { timeoutMs: 5_000 });
    await vi.advanceTimersByTimeAsync(3_900);
    expect(budget.freeBytes).toBe(24 * MB);
    await vi.advanceTimersByTimeAsync(200);
    (await other)();
    expect(budget.freeBytes).toBe(64 * MB);
    await decode(40 * MB);
    expect(made.length).toBe(2);
    expect(budget.freeBytes).toBe(24 * MB);
  });

  it('is kept while it is small, whoever needs memory', async () => {
    const { budget, made, decode } = subject(64 * MB);
    await decode(6 * MB);
    const other = expect(budget.reserve(60 * MB, { timeoutMs: 5_000 })).rejects.toMatchObject({ code: 'busy' });
    await vi.advanceTimersByTimeAsync(5_100);
    await other;
    await decode(6 * MB);
    expect(made.length).toBe(1);
    expect(budget.freeBytes).toBe(58 * MB);
  });

  it('counts after it broke, beside the one that takes its place', async () => {
    const { budget, made, decode } = subject(64 * MB);
    await decode(20 * MB, true);
    expect(budget.freeBytes).toBe(44 * MB);
    await decode(20 * MB);
    expect(made.length).toBe(2);
    expect(budget.freeBytes).toBe(24 * MB);
    const third = decode(50 * MB);
    await vi.advanceTimersByTimeAsync(4_100);
    await third;
    expect(budget.freeBytes).toBe(14 * MB);
  });

  it('asks for its whole memory again, if it was let go while a larger picture waited', async () => {
    const { budget, made, decode } = subject(64 * MB);
    await decode(40 * MB);
    const release = await budget.reserve(20 * MB, { timeoutMs: 0 });
    const larger = decode(62 * MB);
    await vi.advanceTimersByTimeAsync(4_100);
    expect(made.length).toBe(1);
    release();
    await vi.advanceTimersByTimeAsync(100);
    await larger;
    expect(made.length).toBe(2);
    expect(budget.freeBytes).toBe(2 * MB);
  });
});
