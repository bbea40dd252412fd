import { typicalTables } from '../../../functions/image/jpeg/huffman.ts';
import { NATURAL } from '../../../functions/image/jpeg/zigzag.ts';

/** A component of a JPEG to be written. */
export interface WrittenComponent {
  /** Sampling factors. */
  readonly across: number;
  readonly down: number;
  /** Its sample at a place of its own grid, which may lie beyond the picture by less than a unit. */
  readonly sample: (x: number, y: number) => number;
}

export interface Written {
  readonly width: number;
  readonly height: number;
  readonly components: readonly WrittenComponent[];
  readonly quality: number;
  /** Units between restart markers; 0 for none. */
  readonly restartInterval: number;
  readonly progressive: boolean;
  /** What Adobe's segment says of the colours; none where it is left out. */
  readonly adobe?: 0 | 1 | 2;
}

/** Blocks of quantized coefficients in zigzag order, rows padded to whole units. */
interface Plane extends WrittenComponent {
  readonly blocksAcross: number;
  /** Blocks of the picture as it is, which a scan of this component alone has. */
  readonly ownAcross: number;
  readonly ownDown: number;
  readonly blocks: readonly Int32Array[];
}

/**
 * A JPEG of any sampling factors and restart intervals, which no encoder at hand writes: baseline, or progressive with
 * the first coefficient in two scans and the others of each component in two (T.81, annexes F and G). For tests: slow,
 * with the typical Huffman tables.
 */
export function writeJpeg(picture: Written): Buffer {
  const { width, height, components, restartInterval, progressive, adobe } = picture;
  const most = {
    across: Math.max(...components.map(({ across }) => across)),
    down: Math.max(...components.map(({ down }) => down)),
  };
  const units = { across: Math.ceil(width / (8 * most.across)), down: Math.ceil(height / (8 * most.down)) };
  const quantizers = quantizersOf(picture.quality);
  const planes = components.map((component): Plane => {
    const { across, down, sample } = component;
    const blocksAcross = units.across * across;
    const blocks = Array.from({ length: blocksAcross * units.down * down }, (_, i) =>
      quantized((x, y) => sample((i % blocksAcross) * 8 + x, Math.floor(i / blocksAcross) * 8 + y), quantizers),
    );
    const ownAcross = Math.ceil(Math.ceil((width * across) / most.across) / 8);
    const ownDown = Math.ceil(Math.ceil((height * down) / most.down) / 8);
    return { ...component, blocksAcross, ownAcross, ownDown, blocks };
  });
  const frame = [8, ...u16(height), ...u16(width), components.length];
  for (const [i, { across, down }] of components.entries()) frame.push(i + 1, across * 16 + down, 0);
  const scan = (...parameters: [number[], number, number, number, number]) =>
    scanOf(planes, units, restartInterval, progressive, ...parameters);
  const all = planes.map((_, i) => i);
  const scans = progressive
    ? [
        scan(all, 0, 0, 0, 1),
        ...all.map((i) => scan([i], 1, 5, 0, 0)),
        scan(all, 0, 0, 1, 0),
        ...all.map((i) => scan([i], 6, 63, 0, 0)),
      ]
    : [scan(all, 0, 63, 0, 0)];
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    ...(adobe === undefined ? [] : [segment(0xee, [...Buffer.from('Adobe'), 0, 100, 0, 0, 0, 0, adobe])]),
    segment(0xdb, [0, ...quantizers]),
    segment(progressive ? 0xc2 : 0xc0, frame),
    ...[...typicalTables()].map(([key, { counts, symbols }]) =>
      segment(0xc4, [((key >> 2) << 4) | (key & 3), ...counts, ...symbols]),
    ),
    ...(restartInterval > 0 ? [segment(0xdd, u16(restartInterval))] : []),
    ...scans,
    Buffer.from([0xff, 0xd9]),
  ]);
}

const u16 = (value: number) => [value >> 8, value & 255];
const segment = (marker: number, data: readonly number[]) =>
  Buffer.from([0xff, marker, ...u16(data.length + 2), ...data]);

/** In zigzag order, scaled as libjpeg scales its own. */
function quantizersOf(quality: number): number[] {
  const percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  return NATURAL.map((at) => {
    const step = 12 + 5 * ((at >> 3) + (at & 7));
    return Math.max(1, Math.min(255, Math.round((step * percent) / 100)));
  });
}

/** T.81, A.3.3. */
const COSINES = Array.from({ length: 64 }, (_, i) => {
  const [u, x] = [i >> 3, i & 7];
  return (u === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * x + 1) * u * Math.PI) / 16);
});

function quantized(sample: (x: number, y: number) => number, quantizers: readonly number[]): Int32Array {
  const level = Float64Array.from({ length: 64 }, (_, i) => sample(i & 7, i >> 3) - 128);
  const product = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Float64Array.from({ length: 64 }, (_, i) => {
      let sum = 0;
      for (let k = 0; k < 8; k++) sum += (a[(i >> 3) * 8 + k] ?? 0) * (b[(i & 7) * 8 + k] ?? 0);
      return sum;
    });
  // Rows times cosines, turned, twice: the product with the second factor turned leaves [row, u].
  const across = product(level, COSINES);
  const turned = across.map((_, i) => across[(i & 7) * 8 + (i >> 3)] ?? 0);
  const both = product(turned, COSINES);
  return Int32Array.from(NATURAL, (at, i) => Math.round((both[(at & 7) * 8 + (at >> 3)] ?? 0) / (quantizers[i] ?? 1)));
}

class Bits {
  readonly bytes: number[] = [];
  #hold = 0;
  #count = 0;

  put(value: number, length: number): void {
    for (let bit = length - 1; bit >= 0; bit--) {
      this.#hold = (this.#hold << 1) | ((value >> bit) & 1);
      if (++this.#count < 8) continue;
      this.bytes.push(this.#hold);
      if (this.#hold === 255) this.bytes.push(0);
      this.#hold = 0;
      this.#count = 0;
    }
  }

  /** Ones to the next whole byte. */
  align(): void {
    if (this.#count > 0) this.put(255, 8 - this.#count);
  }
}

type Codes = ReadonlyMap<number, readonly [code: number, length: number]>;

/** T.81, annex C. */
function codesOf(key: number): Codes {
  const table = typicalTables().get(key);
  const codes = new Map<number, readonly [number, number]>();
  let [code, next] = [0, 0];
  for (const [i, count] of [...(table?.counts ?? [])].entries()) {
    for (let k = 0; k < count; k++) codes.set(table?.symbols[next++] ?? 0, [code++, i + 1]);
    code <<= 1;
  }
  return codes;
}
const DC = codesOf(0);
const AC = codesOf(4);

const sizeOf = (value: number) => 32 - Math.clz32(Math.abs(value));

function putValue(bits: Bits, codes: Codes, run: number, value: number): void {
  const size = sizeOf(value);
  const [code, length] = codes.get(run * 16 + size) ?? [0, 0];
  bits.put(code, length);
  bits.put(value < 0 ? value - 1 : value, size);
}

function scanOf(
  planes: readonly Plane[],
  units: { across: number; down: number },
  interval: number,
  progressive: boolean,
  ids: readonly number[],
  first: number,
  last: number,
  high: number,
  low: number,
): Buffer {
  const bits = new Bits();
  const predicted = planes.map(() => 0);
  const put = (id: number, block: Int32Array) => {
    const dc = (block[0] ?? 0) >> low;
    if (first === 0 && high > 0) bits.put(dc, 1);
    else if (first === 0) {
      putValue(bits, DC, 0, dc - (predicted[id] ?? 0));
      predicted[id] = dc;
    }
    if (progressive && first === 0) return;
    let run = 0;
    for (let i = Math.max(1, first); i <= last; i++) {
      const value = block[i] ?? 0;
      if (value === 0) {
        run++;
        continue;
      }
      for (; run > 15; run -= 16) bits.put(...(AC.get(0xf0) ?? [0, 0]));
      putValue(bits, AC, run, value);
      run = 0;
    }
    if (run > 0) bits.put(...(AC.get(0) ?? [0, 0]));
  };
  const [only] = ids.length === 1 ? ids.map((id) => planes[id]) : [];
  const across = only ? only.ownAcross : units.across;
  const count = across * (only ? only.ownDown : units.down);
  for (let unit = 0; unit < count; unit++) {
    if (interval > 0 && unit > 0 && unit % interval === 0) {
      bits.align();
      bits.bytes.push(0xff, 0xd0 + ((unit / interval - 1) & 7));
      predicted.fill(0);
    }
    const [x, y] = [unit % across, Math.floor(unit / across)];
    for (const id of ids) {
      const plane = planes[id];
      if (!plane) continue;
      const [h, v] = only ? [1, 1] : [plane.across, plane.down];
      for (let i = 0; i < h * v; i++) {
        put(id, plane.blocks[(y * v + Math.floor(i / h)) * plane.blocksAcross + x * h + (i % h)] ?? new Int32Array(64));
      }
    }
  }
  bits.align();
  const header = [ids.length, ...ids.flatMap((id) => [id + 1, 0]), first, last, high * 16 + low];
  return Buffer.concat([segment(0xda, header), Buffer.from(bits.bytes)]);
}
