import type { Raster } from '../rows.ts';
import { upright } from '../upright.ts';
import { type PngHeader, readPngChunks } from './chunks.ts';
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

/** Most bytes that decoding holds: compressed pixels in one piece, rows, the picture, and once more where it is turned. */
export function pngBytes(header: PngHeader, fileBytes: number): number {
  const rows = 2 * rowBytes(header, header.width) + 7 * header.width;
  return fileBytes + rows + 2 * header.width * header.height * channelsOf(header) + 200_000;
}

/**
 * Decodes row by row as the pixels are inflated.
 * @throws ServiceError `image-damaged`
 */
export function decodePng(bytes: Uint8Array, header: PngHeader): Raster {
  const chunks = readPngChunks(bytes, header);
  const channels = channelsOf(header);
  const { width, height } = header;
  const data = new Uint8Array(width * height * channels);
  const convert = toPixels(header, chunks);
  const scratch = new Uint8Array(header.interlaced ? width * channels : 0);

  inflateRows(chunks.compressed, header, ({ pass, y, width: count }, row) => {
    const start = y * width * channels;
    if (pass.stepX === 1) return convert(row, count, data, start);
    convert(row, count, scratch, 0);
    for (let i = 0; i < count; i++) {
      const to = start + (pass.x + i * pass.stepX) * channels;
      for (let c = 0; c < channels; c++) data[to + c] = scratch[i * channels + c] as number;
    }
  });
  const raster: Raster = { width, height, channels, data };
  return chunks.orientation === 1 ? raster : upright(raster, channels, chunks.orientation);
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
