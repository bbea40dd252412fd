import { afterEach, describe, expect, it, vi } from 'vitest';
import { RecentAnswers } from '../../../functions/classify/recent-answers.ts';

afterEach(() => {
  vi.useRealTimers();
});

describe('recent answers', () => {
  const scores = Float32Array.of(0.25, 0.75);

  it('are copies, kept and given', () => {
    const recent = new RecentAnswers({ maxBytes: 1_000, maxAgeSeconds: 10 });
    const mine = scores.slice();
    recent.set('a', mine);
    mine.fill(0);
    const given = recent.get('a');
    expect(given).toEqual(scores);
    given?.fill(9);
    expect(recent.get('a')).toEqual(scores);
    expect(recent.get('b')).toBeUndefined();
  });

  it('leave when they are too old, however often they are asked for', () => {
    vi.useFakeTimers({ now: 0 });
    const recent = new RecentAnswers({ maxBytes: 1_000, maxAgeSeconds: 10 });
    recent.set('a', scores);
    vi.setSystemTime(9_000);
    expect(recent.get('a')).toEqual(scores);
    vi.setSystemTime(10_001);
    expect(recent.get('a')).toBeUndefined();
  });

  it('leave when there are too many, the least recently used first, and none is kept that is too large', () => {
    // Each takes 200 + 2 + 400 bytes.
    const large = new Float32Array(100);
    const recent = new RecentAnswers({ maxBytes: 1_300, maxAgeSeconds: 10 });
    for (const name of ['a', 'b']) recent.set(name, large);
    recent.get('a');
    recent.set('c', large);
    const there = () => ['a', 'b', 'c'].filter((name) => recent.get(name));
    expect(there()).toEqual(['a', 'c']);
    for (let i = 0; i < 5; i++) recent.set('a', large);
    expect(there()).toEqual(['a', 'c']);
    recent.set('d', new Float32Array(400));
    expect(there()).toEqual(['a', 'c']);
  });
});
