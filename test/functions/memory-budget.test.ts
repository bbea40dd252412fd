import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ServiceError } from '../../functions/errors.ts';
import { MemoryBudget } from '../../functions/memory-budget.ts';

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'admitted',
    (error: ServiceError) => error,
  );

describe('MemoryBudget', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('admits what fits, and gets it back once', async () => {
    const budget = new MemoryBudget(100);
    const release = await budget.reserve(60, { timeoutMs: 10 });
    expect(budget.freeBytes).toBe(40);
    release();
    release();
    expect(budget.freeBytes).toBe(100);
  });

  it('admits in the order of asking: a small request does not overtake a large one', async () => {
    const budget = new MemoryBudget(100);
    const first = await budget.reserve(80, { timeoutMs: 1_000 });
    const order: string[] = [];
    budget.reserve(90, { timeoutMs: 1_000 }).then(() => order.push('large'));
    budget.reserve(10, { timeoutMs: 1_000 }).then(() => order.push('small'));
    await vi.advanceTimersByTimeAsync(100);
    expect(order).toEqual([]);
    expect(budget.tryReserve(10)).toBeNull();
    first();
    await vi.advanceTimersByTimeAsync(20);
    expect(order).toEqual(['large', 'small']);
    expect(budget.freeBytes).toBe(0);
  });

  it('gives up after the time, says when to come back, and lets those behind go on', async () => {
    const budget = new MemoryBudget(100);
    await budget.reserve(50, { timeoutMs: 1_000 });
    const large = code(budget.reserve(60, { timeoutMs: 1_500 }));
    const small = code(budget.reserve(40, { timeoutMs: 9_000 }));
    await vi.advanceTimersByTimeAsync(1_499);
    expect(budget.freeBytes).toBe(50);
    await vi.advanceTimersByTimeAsync(11);
    const error = await large;
    expect(error).toBeInstanceOf(ServiceError);
    expect(error).toMatchObject({ code: 'busy', retryAfterSeconds: 2 });
    expect(await small).toBe('admitted');
    expect(budget.freeBytes).toBe(10);
  });

  it('passes over a waiting request that is gone, and its timers with it', async () => {
    const budget = new MemoryBudget(100);
    const release = await budget.reserve(50, { timeoutMs: 1_000 });
    void budget.reserve(100, { timeoutMs: 60_000 });
    vi.clearAllTimers();
    release();
    const next = code(budget.reserve(80, { timeoutMs: 5_000 }));
    await vi.advanceTimersByTimeAsync(1_900);
    expect(budget.freeBytes).toBe(100);
    await vi.advanceTimersByTimeAsync(200);
    expect(await next).toBe('admitted');
    expect(budget.freeBytes).toBe(20);
  });

  it('refuses at once what can never fit', async () => {
    const budget = new MemoryBudget(100);
    const error = await code(budget.reserve(101, { timeoutMs: 1_000 }));
    expect(error).toBeInstanceOf(ServiceError);
    expect(error).toMatchObject({ message: expect.stringContaining('more than') });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('asks for what is only kept before it makes anyone wait', async () => {
    const budget = new MemoryBudget(100);
    const kept = budget.tryReserve(70);
    let asked = 0;
    budget.onShortage(() => {
      asked++;
      kept?.();
    });
    await budget.reserve(30, { timeoutMs: 1_000 });
    expect(asked).toBe(0);
    await budget.reserve(50, { timeoutMs: 1_000 });
    expect(asked).toBe(1);
    expect(budget.freeBytes).toBe(20);
  });
});
