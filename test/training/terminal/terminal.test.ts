import { describe, expect, it } from 'vitest';
import { duration, Progress } from '../../../training/terminal/progress.ts';
import { table } from '../../../training/terminal/table.ts';

function screen(isTTY: boolean) {
  let clock = 0;
  const writes: string[] = [];
  const output = { isTTY, columns: 70, write: (text: string) => writes.push(text) };
  return { writes, output, now: () => clock, wait: (ms: number) => (clock += ms) };
}

describe('Progress', () => {
  it('redraws one line on a terminal, with rate and time left', () => {
    const { writes, output, now, wait } = screen(true);
    const progress = new Progress('epoch 1', 100, output, now);
    wait(2000);
    progress.update(50, 'loss 0.5');
    progress.update(51, 'too soon to draw again');
    wait(2000);
    progress.done('loss 0.4');
    expect(writes).toEqual([
      `\repoch 1 ${'█'.repeat(12)}${'░'.repeat(12)} 50/100 25/s 2.0 s left loss 0.5\x1b[K`,
      `\repoch 1 ${'█'.repeat(24)} 100/100 25/s 4.0 s loss 0.4\x1b[K\n`,
    ]);
  });

  it('writes plain lines now and then elsewhere', () => {
    const { writes, output, now, wait } = screen(false);
    const progress = new Progress('reading', 400, output, now);
    for (let count = 1; count <= 100; count++) {
      wait(250);
      progress.update(count);
    }
    progress.done('', 100);
    expect(writes).toEqual([
      'reading 40/400 4.0/s 1 min 30 s left\n',
      'reading 80/400 4.0/s 1 min 20 s left\n',
      'reading 100/400 4.0/s 25 s\n',
    ]);
  });

  it.each([
    [0.25, '0.3 s'],
    [59.4, '59 s'],
    [125, '2 min 05 s'],
    [3840, '1 h 04 min'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});

describe('table', () => {
  it('aligns numbers right and words left', () => {
    const text = table(
      ['class', 'recall'],
      [
        ['Bag', '98.10 %'],
        ['Ankle boot', '7 %'],
      ],
    );
    expect(text).toBe(
      ['class        recall', '──────────  ───────', 'Bag         98.10 %', 'Ankle boot      7 %'].join('\n'),
    );
  });
});
