import { damaged } from '../errors.ts';
import { type HuffmanTable, readTables, tableKey, typicalTables, writeTable } from './huffman.ts';
import type { Kernel } from './kernel.ts';
import { DHT, DQT, DRI, EOI, type JpegHeader, nextSegment, SOS, u16 } from './markers.ts';
import { COMPONENT_BYTES, COMPONENTS, type Plan, quantizersAt, SCAN, tableAt } from './plan.ts';
import { keptPlaces } from './zigzag.ts';

/** Places of the tables in a component's record. */
const DC_FIELD = 5;

interface Scan {
  /** Indices of the frame's components. */
  readonly components: readonly number[];
  readonly first: number;
  readonly last: number;
  readonly high: number;
  readonly low: number;
}

/**
 * Walks through a file's segments, keeping the tables that are in force, up to each scan in turn.
 */
export class Scans {
  readonly #bytes: Uint8Array;
  readonly #header: JpegHeader;
  readonly #plan: Plan;
  readonly #kernel: Kernel;
  readonly #huffman: Map<number, HuffmanTable> = typicalTables();
  readonly #quantizers = new Map<number, Uint16Array>();
  readonly #seen = new Set<number>();
  #restartInterval = 0;
  #at = 2;

  constructor(bytes: Uint8Array, header: JpegHeader, plan: Plan, kernel: Kernel) {
    this.#bytes = bytes;
    this.#header = header;
    this.#plan = plan;
    this.#kernel = kernel;
  }

  /** The picture's only scan: the kernel stands at its data afterwards. */
  only(): void {
    const scan = this.#next();
    if (!scan) throw damaged('The JPEG has no picture.');
    this.#begin(scan);
  }

  /** After the only scan: the picture has its end, or it was cut short. */
  end(): void {
    this.#at = this.#kernel.position;
    while (this.#next());
  }

  /** Adds up all scans of a picture that has several. */
  all(): void {
    for (let scan = this.#next(); scan; scan = this.#next()) {
      if (this.#matters(scan)) this.#run(scan);
    }
    if (this.#seen.size < this.#header.components.length) throw damaged('The JPEG is cut short.');
  }

  /** The next scan, with the tables before it read; undefined at the end of the picture. */
  #next(): Scan | undefined {
    for (;;) {
      const segment = nextSegment(this.#bytes, this.#at);
      if (!segment) throw damaged('The JPEG is cut short.');
      this.#at = segment.end;
      const { marker, data } = segment;
      if (marker === EOI) return undefined;
      if (marker === DHT) readTables(data, this.#huffman);
      else if (marker === DQT) this.#readQuantizers(data);
      else if (marker === DRI) this.#restartInterval = u16(data, 0);
      else if (marker === SOS) return this.#readScan(data);
    }
  }

  #readQuantizers(data: Uint8Array): void {
    for (let at = 0; at < data.length; ) {
      const key = data[at++] ?? 0;
      const wide = key >> 4 > 0;
      const size = wide ? 128 : 64;
      if (at + size > data.length) throw damaged('A quantization table of the JPEG is damaged.');
      const table = Uint16Array.from({ length: 64 }, (_, i) => (wide ? u16(data, at + 2 * i) : (data[at + i] ?? 0)));
      this.#quantizers.set(key & 15, table);
      at += size;
    }
  }

  #readScan(data: Uint8Array): Scan {
    const count = data[0] ?? 0;
    const { components: all, progressive } = this.#header;
    const memory = this.#kernel.run.memory.buffer;
    const components = Array.from({ length: count }, (_, i) => all.findIndex(({ id }) => id === data[1 + 2 * i]));
    if (data.length < 4 + 2 * count || count === 0 || components.includes(-1) || new Set(components).size < count) {
      throw damaged('A scan of the JPEG is damaged.');
    }
    const [first = 0, last = 0, bits = 0] = data.subarray(1 + 2 * count);
    const [high, low] = [bits >> 4, bits & 15];
    const sound = first === 0 ? last === 0 : count === 1 && first <= last && last < 64;
    if (progressive && !(sound && low <= 13 && (high === 0 || high === low + 1))) {
      throw damaged('A scan of the JPEG is damaged.');
    }
    const blocks = components.reduce((sum, c) => sum + (all[c]?.across ?? 0) * (all[c]?.down ?? 0), 0);
    if (count > 1 && blocks > 10) throw damaged('A scan of the JPEG has too many blocks in a unit.');
    for (const [i, c] of components.entries()) {
      const tables = data[2 + 2 * i] ?? 0;
      if ((tables & 0xcc) > 0) throw damaged('A Huffman table of the JPEG is missing.');
      const keys = [tableKey(0, tables >> 4), tableKey(1, tables & 15)];
      new Int32Array(memory, COMPONENTS + c * COMPONENT_BYTES + DC_FIELD * 4, 2).set(keys.map(tableAt));
      const needed = progressive ? [first > 0 ? keys[1] : keys[0]] : keys;
      if (high === 0 || first > 0) for (const key of needed) this.#writeHuffman(key ?? 0);
      if (!this.#seen.has(c)) this.#writeQuantizers(c);
    }
    return { components, first, last, high, low };
  }

  #writeHuffman(key: number): void {
    const table = this.#huffman.get(key);
    if (!table) throw damaged('A Huffman table of the JPEG is missing.');
    writeTable(table, this.#kernel.run.memory.buffer, tableAt(key));
  }

  /** A component is scaled by the table that stands when its first scan begins. */
  #writeQuantizers(component: number): void {
    const { side, quantizers } = this.#plan.components[component] ?? { side: 8, quantizers: 0 };
    const table = this.#quantizers.get(quantizers);
    if (!table) throw damaged('A quantization table of the JPEG is missing.');
    const kept = new Uint16Array(this.#kernel.run.memory.buffer, quantizersAt(component), 64);
    for (const [i, place] of keptPlaces(side).entries()) if (place >= 0) kept[place] = table[i] as number;
    this.#seen.add(component);
  }

  /** Not where a component keeps nothing but the first coefficient; else refinements ask what the other scans had. */
  #matters({ components: [only = 0], first }: Scan): boolean {
    return first === 0 || this.#plan.components[only]?.side !== 1;
  }

  #begin({ components }: Scan): void {
    const { run } = this.#kernel;
    new Uint8Array(run.memory.buffer, SCAN, 4).set(components);
    this.#kernel.open(this.#bytes, this.#at);
    const [only] = components.map((c) => this.#plan.components[c]);
    const across = components.length === 1 && only ? only.ownAcross : this.#plan.unitsAcross;
    run.beginScan(across, components.length, this.#restartInterval);
  }

  #run(scan: Scan): void {
    this.#begin(scan);
    const { components, first, last, high, low } = scan;
    const [only] = components.map((c) => this.#plan.components[c]);
    const rows = components.length === 1 && only ? only.ownDown : this.#plan.unitsDown;
    const kind = this.#header.progressive ? 1 : 0;
    for (let row = 0; row < rows; row++) {
      if (!this.#kernel.run.scanUnits(row, kind, first, last, high, low)) {
        throw damaged('The JPEG is damaged or cut short.');
      }
    }
    this.#at = this.#kernel.position;
  }
}
