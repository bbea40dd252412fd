import { DECODER_BYTES, type MemoryBudget, type Release } from '../../memory-budget.ts';
import { damaged, fitsAtAll } from '../errors.ts';
import type { RowSink } from '../rows.ts';
import { instanceBytes, Kernel } from './kernel.ts';
import type { JpegHeader } from './markers.ts';
import { type Plan, planOf, type Side, writePlan } from './plan.ts';
import { Scans } from './scans.ts';

/** How long a picture waits for the memory that decoding it takes. */
export const WAIT_MS = 5_000;
/** Colours as the kernel counts them. */
const COLOURS = { grey: 0, ycc: 1, rgb: 2, cmyk: 3, ycck: 4 } as const;

/** What is let go counts as held for so long, less than others wait: it is there until V8 collects it, whenever that is. */
const COLLECTED_MS = 4_000;

/**
 * Decodes with one instance, which is kept, and what it holds stays reserved: made anew for each picture, they would add
 * up until they are collected. Decoding itself is synchronous: pictures do not add up.
 */
export class JpegDecoder {
  readonly #module: WebAssembly.Module;
  readonly #budget: MemoryBudget;
  #kept: Kernel | undefined;
  #heldBytes = 0;
  /** Of the kept instance: one for each time that it has grown. */
  #held: Release[] = [];
  /** Reservations of instances that were let go. */
  #dropped: { readonly since: number; readonly releases: readonly Release[] }[] = [];

  constructor(module: WebAssembly.Module, budget: MemoryBudget) {
    this.#module = module;
    this.#budget = budget;
    budget.onShortage(() => this.#settle());
  }

  /**
   * Hands `sink` the rows of the picture, in the order in which they are stored, reduced to `side` eighths.
   * @param extraBytes what the sink takes
   * @throws ServiceError `image-damaged`, `image-too-large` or `busy`
   */
  async decode<T>(
    bytes: Uint8Array,
    header: JpegHeader,
    side: Side,
    extraBytes: number,
    use: (fill: (sink: RowSink) => void) => T,
  ): Promise<T> {
    const plan = planOf(header, side);
    const inside = instanceBytes(plan.totalBytes);
    fitsAtAll(inside + extraBytes, this.#budget);
    const { release, reserved } = await this.#reserve(inside, extraBytes);
    try {
      const kernel = this.#kept ?? new Kernel(this.#module);
      this.#kept = kernel;
      return use((sink) => decodeRows(kernel, bytes, header, plan, sink));
    } finally {
      this.#hold(release, reserved);
    }
  }

  /** What the kept instance holds need not be reserved again, if it is still kept when the wait is over. */
  async #reserve(inside: number, outside: number): Promise<{ release: Release; reserved: number }> {
    for (;;) {
      const growth = Math.max(0, inside - this.#heldBytes);
      const reserved = growth + outside;
      const release = await this.#budget.reserve(reserved, { timeoutMs: WAIT_MS });
      if (inside - this.#heldBytes <= growth) return { release, reserved };
      release();
    }
  }

  /** Keeps of what was reserved that by which the instance has grown, or lets the instance go. */
  #hold(release: Release, reserved: number): void {
    const bytes = this.#kept?.heldBytes ?? 0;
    const grown = bytes - this.#heldBytes;
    release(reserved - grown);
    if (grown > 0) this.#held.push(release);
    this.#heldBytes = bytes;
    // Seldom a picture needs more, and others need the memory.
    if (bytes <= DECODER_BYTES) return;
    this.#dropped.push({ since: Date.now(), releases: this.#held });
    this.#held = [];
    this.#kept = undefined;
    this.#heldBytes = 0;
  }

  #settle(): void {
    const before = Date.now() - COLLECTED_MS;
    for (const { since, releases } of this.#dropped) if (since <= before) for (const release of releases) release();
    this.#dropped = this.#dropped.filter(({ since }) => since > before);
  }
}

/** @throws ServiceError `image-damaged` */
export function decodeRows(kernel: Kernel, bytes: Uint8Array, header: JpegHeader, plan: Plan, sink: RowSink): void {
  const memory = kernel.grown(plan.totalBytes);
  writePlan(plan, memory);
  const { run } = kernel;
  const { output, line, unitRows } = plan;
  const scans = new Scans(bytes, header, plan, kernel);
  if (header.inScans) {
    scans.all();
    run.beginScan(plan.unitsAcross, header.components.length, 0);
  } else {
    scans.only();
  }
  run.beginRows(COLOURS[header.colour], header.inverted ? 0 : 1, output.width, line);
  const length = output.width * header.channels;
  let y = 0;
  for (let row = 0; row < plan.unitsDown; row++) {
    if (header.inScans) run.keptUnits(row);
    else if (!run.sequentialUnits(row)) throw damaged('The JPEG is damaged or cut short.');
    // The last one may be interpolated with the first of the units below.
    const end = row + 1 === plan.unitsDown ? output.height : (row + 1) * unitRows - 1;
    for (; y < end; y++) sink.row(new Uint8Array(memory, run.outputRow(y), length));
  }
  if (!header.inScans) scans.end();
  kernel.close();
}
