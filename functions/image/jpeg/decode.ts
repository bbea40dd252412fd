import type { MemoryBudget } from '../../memory-budget.ts';
import { damaged } from '../errors.ts';
import { KeptInstance } from '../kept-instance.ts';
import type { RowSink } from '../rows.ts';
import { instanceBytes, Kernel } from './kernel.ts';
import type { JpegHeader } from './markers.ts';
import { type Plan, planOf, type Side, writePlan } from './plan.ts';
import { Scans } from './scans.ts';

/** Colours as the kernel counts them. */
const COLOURS = { grey: 0, ycc: 1, rgb: 2, cmyk: 3, ycck: 4 } as const;

/** Decodes with one instance, which is kept. */
export class JpegDecoder {
  readonly #kept: KeptInstance<Kernel>;

  constructor(module: WebAssembly.Module, budget: MemoryBudget) {
    this.#kept = new KeptInstance(() => new Kernel(module), budget);
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
    return this.#kept.with(instanceBytes(plan.totalBytes), extraBytes, (kernel) =>
      use((sink) => decodeRows(kernel, bytes, header, plan, sink)),
    );
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
