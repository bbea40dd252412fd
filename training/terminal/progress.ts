const BAR_WIDTH = 24;
const REDRAW_MS = 100;
const PLAIN_MS = 10_000;

/** Where a progress line goes: a terminal, or a log that gets a whole line now and then. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/**
 * One line that redraws on a terminal: `label ████░░░░ 12/100 34.5/s 3 s left extra`. Elsewhere a plain line every
 * ten seconds and one at the end, so that a log stays readable.
 */
export class Progress {
  readonly #label: string;
  readonly #total: number;
  readonly #output: Output;
  readonly #now: () => number;
  readonly #start: number;
  #drawn: number;

  /** @param total what `update` counts up to */
  constructor(label: string, total: number, output: Output = process.stderr, now: () => number = Date.now) {
    this.#label = label;
    this.#total = total;
    this.#output = output;
    this.#now = now;
    this.#start = now();
    this.#drawn = output.isTTY ? Number.NEGATIVE_INFINITY : this.#start;
  }

  update(count: number, extra = ''): void {
    const now = this.#now();
    if (now - this.#drawn < (this.#output.isTTY ? REDRAW_MS : PLAIN_MS)) return;
    this.#drawn = now;
    this.#draw(count, extra, false);
  }

  /** The last state, which stays on the screen. */
  done(extra = '', count = this.#total): void {
    this.#draw(count, extra, true);
  }

  #draw(count: number, extra: string, last: boolean): void {
    const seconds = Math.max((this.#now() - this.#start) / 1000, 1e-3);
    const rate = count / seconds;
    const time = last ? `${duration(seconds)}` : count > 0 ? `${duration((this.#total - count) / rate)} left` : '';
    const figures = [`${count}/${this.#total}`, `${rate >= 10 ? rate.toFixed(0) : rate.toFixed(1)}/s`, time, extra];
    const line = [this.#label, ...(this.#output.isTTY ? [bar(count / this.#total)] : []), ...figures]
      .filter((part) => part !== '')
      .join(' ');
    if (!this.#output.isTTY) {
      this.#output.write(`${line}\n`);
      return;
    }
    // Cut to the width: a line that wraps cannot be redrawn. ESC [K clears what the last one left.
    this.#output.write(`\r${line.slice(0, (this.#output.columns ?? 80) - 1)}\x1b[K${last ? '\n' : ''}`);
  }
}

function bar(share: number): string {
  const full = Math.round(Math.min(Math.max(share, 0), 1) * BAR_WIDTH);
  return '█'.repeat(full) + '░'.repeat(BAR_WIDTH - full);
}

/** `8 s`, `2 min 05 s`, `1 h 04 min` */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return seconds < 10 ? `${seconds.toFixed(1)} s` : `${whole} s`;
  const two = (value: number) => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}
