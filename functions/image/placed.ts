import type { Size, Window } from './resize.ts';
import type { RowSink } from './rows.ts';

/** Where on a canvas a picture lies. */
export type Placing = Window;

/** Lays a picture's rows in RGB on a white canvas, whose rows the next one gets. */
export class Placed implements RowSink {
  readonly #next: RowSink;
  readonly #placing: Placing;
  readonly #canvas: Size;
  readonly #line: Uint8Array;
  #y = 0;

  constructor(next: RowSink, canvas: Size, placing: Placing) {
    this.#next = next;
    this.#canvas = canvas;
    this.#placing = placing;
    this.#line = new Uint8Array(canvas.width * 3).fill(255);
    this.#white(placing.top);
  }

  row(pixels: Uint8Array): void {
    if (this.#y >= this.#canvas.height) return;
    const { left } = this.#placing;
    const width = Math.min(this.#placing.width, this.#canvas.width - left);
    if (width > 0) this.#line.set(pixels.subarray(0, width * 3), left * 3);
    this.#next.row(this.#line);
    this.#y++;
  }

  /** After the picture's last row. */
  finish(): void {
    this.#line.fill(255);
    this.#white(this.#canvas.height);
  }

  #white(until: number): void {
    for (; this.#y < Math.min(until, this.#canvas.height); this.#y++) this.#next.row(this.#line);
  }
}
