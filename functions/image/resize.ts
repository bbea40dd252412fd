import { type Raster, type RowSink, rowOf } from './rows.ts';
import { clip8, type Filter, HALF, type Taps, tapsOf } from './taps.ts';

/** Of the resized picture, the part that is wanted. */
export interface Window {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * The picture scaled to `size`, and `window` cut out of it; only what the window needs is computed. `area` is
 * Pillow's BOX. Equal to Pillow's `resize` with the same filter, byte for byte.
 */
export function resize(raster: Raster, size: Size, filter: Filter | 'nearest', window: Window): Raster {
  const resizer = filter === 'nearest' ? new Nearest(raster, size, window) : new Resizer(raster, size, filter, window);
  for (let y = 0; y < raster.height; y++) resizer.row(rowOf(raster, y));
  return resizer.result;
}

/**
 * Antialiased separable resampling of rows as they come: each is scaled across, rounded to 8 bits, and added to the
 * few output rows that it belongs to.
 */
export class Resizer implements RowSink {
  readonly result: Raster;
  readonly #channels: 1 | 3;
  readonly #across: Taps;
  readonly #down: Taps;
  /** Far less work for a tall sliver, but rounds in another order than Pillow (by at most one level). */
  readonly #downFirst: boolean;
  /** Sums of the output rows begun and not ended, a ring: int32 `[slots, length]`. */
  readonly #sums: Int32Array;
  readonly #slots: number;
  readonly #length: number;
  readonly #line: Uint8Array;
  #y = 0;
  /** First output row that is not ended. */
  #next = 0;

  /**
   * @param source the rows that will come
   * @param extent given where they are a reduction: the whole picture in their pixels, the last of which may be beyond it
   */
  constructor(source: Size & { readonly channels: 1 | 3 }, size: Size, filter: Filter, window: Window, extent?: Size) {
    const { width, height } = window;
    const { channels } = source;
    this.#channels = channels;
    this.#across = tapsOf(source.width, size.width, filter, window.left, width, extent?.width);
    this.#down = tapsOf(source.height, size.height, filter, window.top, height, extent?.height);
    this.#downFirst = source.width < width && source.height > 4_096;
    this.#length = (this.#downFirst ? source.width : width) * channels;
    this.#slots = overlap(this.#down);
    this.#sums = new Int32Array(this.#slots * this.#length).fill(HALF);
    this.#line = new Uint8Array(this.#length);
    this.result = { width, height, channels, data: new Uint8Array(width * height * channels) };
  }

  row(pixels: Uint8Array): void {
    const { first, count, weights, stride } = this.#down;
    const y = this.#y++;
    if (this.#next === first.length || y < (first[this.#next] as number)) return;
    let line = pixels;
    if (!this.#downFirst) {
      this.#scaleAcross(pixels, this.#line);
      line = this.#line;
    }
    for (let t = this.#next; t < first.length && (first[t] as number) <= y; t++) {
      const tap = y - (first[t] as number);
      const weight = weights[t * stride + tap] as number;
      const at = (t % this.#slots) * this.#length;
      for (let i = 0; i < this.#length; i++) {
        this.#sums[at + i] = (this.#sums[at + i] as number) + (line[i] as number) * weight;
      }
    }
    while (this.#next < first.length && y + 1 === (first[this.#next] as number) + (count[this.#next] as number))
      this.#end();
  }

  #end(): void {
    const t = this.#next++;
    const sums = this.#sums.subarray((t % this.#slots) * this.#length, ((t % this.#slots) + 1) * this.#length);
    const stride = this.result.width * this.#channels;
    const out = this.result.data.subarray(t * stride, (t + 1) * stride);
    const line = this.#downFirst ? this.#line : out;
    for (let i = 0; i < line.length; i++) line[i] = clip8(sums[i] as number);
    sums.fill(HALF);
    if (this.#downFirst) this.#scaleAcross(line, out);
  }

  #scaleAcross(pixels: Uint8Array, out: Uint8Array): void {
    const { first, count, weights, stride } = this.#across;
    const channels = this.#channels;
    for (let x = 0; x < first.length; x++) {
      const from = (first[x] as number) * channels;
      const taps = count[x] as number;
      if (channels === 1) {
        let sum = HALF;
        for (let k = 0; k < taps; k++) sum += (pixels[from + k] as number) * (weights[x * stride + k] as number);
        out[x] = clip8(sum);
        continue;
      }
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      for (let k = 0, p = from; k < taps; k++, p += 3) {
        const weight = weights[x * stride + k] as number;
        red += (pixels[p] as number) * weight;
        green += (pixels[p + 1] as number) * weight;
        blue += (pixels[p + 2] as number) * weight;
      }
      out[x * 3] = clip8(red);
      out[x * 3 + 1] = clip8(green);
      out[x * 3 + 2] = clip8(blue);
    }
  }
}

/** How many outputs are open at once, at most. */
function overlap({ first, count }: Taps): number {
  let most = 1;
  for (let t = 0, next = 0; t < first.length; t++) {
    while (next < first.length && (first[next] as number) < (first[t] as number) + (count[t] as number)) next++;
    most = Math.max(most, next - t);
  }
  return most;
}

/** Pillow's NEAREST: it adds up the step, which shows where a sum comes to lie on a border. */
export class Nearest implements RowSink {
  readonly result: Raster;
  readonly #columns: Int32Array;
  readonly #rows: Int32Array;
  #y = 0;
  /** First output row that is not there yet. */
  #next = 0;

  constructor(source: Size & { readonly channels: 1 | 3 }, size: Size, { left, top, width, height }: Window) {
    const { channels } = source;
    this.#columns = nearestOf(source.width, size.width, left, width);
    this.#rows = nearestOf(source.height, size.height, top, height);
    this.result = { width, height, channels, data: new Uint8Array(width * height * channels) };
  }

  row(pixels: Uint8Array): void {
    const y = this.#y++;
    const { width, channels, data } = this.result;
    for (; this.#rows[this.#next] === y; this.#next++) {
      let to = this.#next * width * channels;
      for (const x of this.#columns) {
        for (let c = 0; c < channels; c++) data[to++] = pixels[x * channels + c] as number;
      }
    }
  }
}

function nearestOf(from: number, to: number, start: number, count: number): Int32Array {
  const step = from / to;
  const indices = new Int32Array(count);
  for (let i = 0, at = step * 0.5; i < start + count; i++, at += step) {
    if (i >= start) indices[i - start] = Math.min(Math.trunc(at), from - 1);
  }
  return indices;
}
