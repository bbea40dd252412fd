import { GraphError } from '../graph/graph.ts';

const BINS = 4096;
const HALF = BINS / 2;
const ALIKE = Float64Array.of(1);

/**
 * Counts of values in equal bins over −limit…limit, for streams whose range is not known ahead: when a value lies
 * outside, the limit doubles and bins join in pairs.
 */
export class Histogram {
  readonly counts = new Float64Array(BINS);
  limit = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;

  /** @param weights what a value counts, one a channel, the channel fastest in `values` */
  add(values: Float32Array, weights: Float64Array = ALIKE): void {
    let [low, high] = [this.min, this.max];
    // By index: an iterator takes ten times as long, and billions of values come here.
    for (let index = 0; index < values.length; index++) {
      const value = values[index] ?? 0;
      if (!Number.isFinite(value)) throw new GraphError('a value is not a finite number');
      if (value < low) low = value;
      if (value > high) high = value;
    }
    [this.min, this.max] = [low, high];
    this.#cover(Math.max(-low, high));
    const { counts } = this;
    const perValue = this.limit > 0 ? HALF / this.limit : 0;
    for (let index = 0, c = 0; index < values.length; index++) {
      const bin = Math.min(Math.floor((values[index] ?? 0) * perValue) + HALF, BINS - 1);
      counts[bin] = (counts[bin] ?? 0) + (weights[c] ?? 0);
      c = c + 1 === weights.length ? 0 : c + 1;
    }
  }

  /** Adds the counts of another, as if its values had come here. */
  join(other: Histogram): void {
    this.min = Math.min(this.min, other.min);
    this.max = Math.max(this.max, other.max);
    this.#cover(Math.max(-this.min, this.max));
    const perBin = this.limit > 0 ? other.limit / this.limit : 0;
    for (const [bin, count] of other.counts.entries()) {
      if (count === 0) continue;
      const target = Math.min(Math.floor((bin + 0.5 - HALF) * perBin) + HALF, BINS - 1);
      this.counts[target] = (this.counts[target] ?? 0) + count;
    }
  }

  /** Filled bins as (value in the middle, count), and zero exactly: most values after a ReLU are zero. */
  *filled(): Generator<readonly [value: number, count: number]> {
    const width = this.limit / HALF;
    for (const [bin, count] of this.counts.entries()) {
      if (count === 0) continue;
      // The bin from zero up holds the zeros themselves.
      yield [bin === HALF ? 0 : (bin + 0.5 - HALF) * width, count];
    }
  }

  /** The value below which the share lies, to the width of a bin. */
  quantile(share: number): number {
    let left = share * this.counts.reduce((sum, count) => sum + count, 0);
    for (const [bin, count] of this.counts.entries()) {
      left -= count;
      if (left <= 0 && count > 0) return Math.min(Math.max(((bin + 1 - HALF) * this.limit) / HALF, this.min), this.max);
    }
    return this.max;
  }

  #cover(reach: number): void {
    if (reach <= this.limit) return;
    if (this.limit === 0) {
      this.limit = reach;
      return;
    }
    while (this.limit < reach) {
      const joined = new Float64Array(BINS);
      for (const [bin, count] of this.counts.entries()) {
        const target = (bin + HALF) >> 1;
        joined[target] = (joined[target] ?? 0) + count;
      }
      this.counts.set(joined);
      this.limit *= 2;
    }
  }
}
