import { joined } from '../../bytes.ts';
import type { RowSink } from '../rows.ts';
import type { PngChunks, PngHeader } from './chunks.ts';
import { inflate } from './inflate.ts';
import { bitsPerPixel, channelsOf, toPixels } from './pixels.ts';
import { unfilter } from './unfilter.ts';

/** A reduced picture: every `stepX`-th pixel of every `stepY`-th row, from (x, y) on. */
interface Pass {
  readonly x: number;
  readonly y: number;
  readonly stepX: number;
  readonly stepY: number;
}

/** PNG, section 8.2. */
const ADAM7: readonly Pass[] = [
  { x: 0, y: 0, stepX: 8, stepY: 8 },
  { x: 4, y: 0, stepX: 8, stepY: 8 },
  { x: 0, y: 4, stepX: 4, stepY: 8 },
  { x: 2, y: 0, stepX: 4, stepY: 4 },
  { x: 0, y: 2, stepX: 2, stepY: 4 },
  { x: 1, y: 0, stepX: 2, stepY: 2 },
  { x: 0, y: 1, stepX: 1, stepY: 2 },
];
const WHOLE: readonly Pass[] = [{ x: 0, y: 0, stepX: 1, stepY: 1 }];

/** A row of a pass: `width` pixels that go to row `y` of the picture. */
interface PassRow {
  readonly pass: Pass;
  readonly y: number;
  readonly width: number;
}

/** Most bytes that decoding holds: compressed pixels in one piece, rows, and the picture where it is interlaced. */
export function pngBytes(header: PngHeader, { compressed }: PngChunks): number {
  const { width, height, interlaced } = header;
  const piece = compressed.length > 1 ? compressed.reduce((bytes, { length }) => bytes + length, 0) : 0;
  const picture = width * (interlaced ? height : 1) * channelsOf(header);
  return piece + picture + 2 * rowBytes(header, width) + 7 * width + 200_000;
}

/**
 * Hands out the rows in 8-bit grey or RGB, as the pixels are inflated; an interlaced picture when all of it is there.
 * @throws ServiceError `image-damaged`
 */
export function decodePng(header: PngHeader, chunks: PngChunks, sink: RowSink): void {
  const channels = channelsOf(header);
  const { width, height, interlaced } = header;
  const stride = width * channels;
  const convert = toPixels(header, chunks);
  const line = new Uint8Array(stride);
  const picture = new Uint8Array(interlaced ? stride * height : 0);
  const [first, ...more] = chunks.compressed;
  // Most have one, which needs no second copy.
  const compressed = first && more.length === 0 ? first : joined(chunks.compressed);
  inflateRows(compressed, header, ({ pass, y, width: count }, row) => {
    convert(row, count, line, 0);
    if (!interlaced) return sink.row(line);
    for (let i = 0, to = y * stride + pass.x * channels; i < count; i++, to += pass.stepX * channels) {
      for (let c = 0; c < channels; c++) picture[to + c] = line[i * channels + c] as number;
    }
  });
  if (interlaced) for (let y = 0; y < height; y++) sink.row(picture.subarray(y * stride, (y + 1) * stride));
}

/** Gathers inflated bytes to rows and undoes their filters; `use` gets each row in the order of the file. */
function inflateRows(compressed: Uint8Array, header: PngHeader, use: (at: PassRow, row: Uint8Array) => void): void {
  const rows = rowsOf(header);
  const pitch = Math.max(1, bitsPerPixel(header) >> 3);
  let row = new Uint8Array(rowBytes(header, header.width));
  let above = new Uint8Array(row.length);
  /** -1 where the filter's byte comes next. */
  let filled = -1;
  let filter = 0;
  let at = rows.next().value;
  let length = at ? rowBytes(header, at.width) : 0;
  inflate(compressed, inflatedBytes(header), (piece) => {
    for (let from = 0; at && from < piece.length; ) {
      if (filled < 0) {
        filter = piece[from++] as number;
        filled = 0;
      }
      while (filled < length && from < piece.length) row[filled++] = piece[from++] as number;
      if (filled < length) return;
      const { pass } = at;
      unfilter(filter, row, above, pitch, length);
      use(at, row);
      filled = -1;
      [row, above] = [above, row];
      at = rows.next().value;
      if (!at || at.pass === pass) continue;
      length = rowBytes(header, at.width);
      above.fill(0);
    }
  });
}

const rowBytes = (header: PngHeader, pixels: number) => Math.ceil((pixels * bitsPerPixel(header)) / 8);

/** Columns and rows of a pass, which may be empty. */
function sizeOf({ x, y, stepX, stepY }: Pass, { width, height }: PngHeader): readonly [columns: number, rows: number] {
  const columns = Math.max(0, Math.ceil((width - x) / stepX));
  return [columns, columns === 0 ? 0 : Math.max(0, Math.ceil((height - y) / stepY))];
}

function* rowsOf(header: PngHeader): Generator<PassRow, undefined> {
  for (const pass of header.interlaced ? ADAM7 : WHOLE) {
    const [width, rows] = sizeOf(pass, header);
    for (let i = 0; i < rows; i++) yield { pass, y: pass.y + i * pass.stepY, width };
  }
}

/** Bytes of all filtered rows. */
function inflatedBytes(header: PngHeader): number {
  let bytes = 0;
  for (const pass of header.interlaced ? ADAM7 : WHOLE) {
    const [columns, rows] = sizeOf(pass, header);
    bytes += rows * (1 + rowBytes(header, columns));
  }
  return bytes;
}
