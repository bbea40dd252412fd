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

/** Most bytes that decoding holds: compressed pixels in one piece, the picture, and once more where it is turned. */
export function pngBytes(header: PngHeader, fileBytes: number): number {
  return fileBytes + 2 * header.width * header.height * channelsOf(header) + 32 * header.width + 200_000;
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
  const scratch = new Uint8Array(width * channels);

  inflateRows(chunks.compressed, header, ({ pass, y, width: count }, row) => {
    const start = y * width * channels;
    if (pass.stepX === 1) return convert(row, count, data.subarray(start, start + width * channels));
    convert(row, count, scratch);
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
  const bits = bitsPerPixel(header);
  const pitch = Math.max(1, bits >> 3);
  const bytesOf = (pixels: number) => Math.ceil((pixels * bits) / 8);
  let row = new Uint8Array(1 + bytesOf(header.width));
  let above = new Uint8Array(row.length);
  let filled = 0;
  let at = rows.next().value;
  inflate(compressed, inflatedBytes(header), (piece) => {
    for (let from = 0; at && from < piece.length; ) {
      const length = 1 + bytesOf(at.width);
      const part = piece.subarray(from, from + length - filled);
      row.set(part, filled);
      from += part.length;
      filled += part.length;
      if (filled < length) return;
      const { pass } = at;
      unfilter(row[0] as number, row.subarray(1, length), above.subarray(1, length), pitch);
      use(at, row.subarray(1, length));
      filled = 0;
      [row, above] = [above, row];
      at = rows.next().value;
      if (at && at.pass !== pass) above.fill(0);
    }
  });
}

function* rowsOf(header: PngHeader): Generator<PassRow, undefined> {
  for (const pass of header.interlaced ? ADAM7 : WHOLE) {
    const width = Math.ceil((header.width - pass.x) / pass.stepX);
    if (width <= 0) continue;
    for (let y = pass.y; y < header.height; y += pass.stepY) yield { pass, y, width };
  }
}

/** Bytes of all filtered rows. */
function inflatedBytes(header: PngHeader): number {
  let bytes = 0;
  for (const { width } of rowsOf(header)) bytes += 1 + Math.ceil((width * bitsPerPixel(header)) / 8);
  return bytes;
}
