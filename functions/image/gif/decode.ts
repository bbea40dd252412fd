import { damaged } from '../errors.ts';
import { Placed, type Placing } from '../placed.ts';
import type { RowSink } from '../rows.ts';
import { unpack } from './lzw.ts';

/** What a GIF says of its first picture (GIF89a, sections 17 to 23). */
export interface GifHeader {
  readonly format: 'gif';
  /** The logical screen. */
  readonly width: number;
  readonly height: number;
  readonly frame: Placing;
  /** RGB triples. */
  readonly palette: Uint8Array;
  /** An index of the palette, or -1. */
  readonly transparent: number;
  readonly interlaced: boolean;
  /** Where its compressed pixels begin. */
  readonly pixelsAt: number;
}

const EXTENSION = 0x21;
const GRAPHIC_CONTROL = 0xf9;
const IMAGE = 0x2c;
/** Rows of an interlaced picture, by first and step (appendix E). */
const PASSES = [
  [0, 8],
  [4, 8],
  [2, 4],
  [1, 2],
] as const;

const cut = () => damaged('The GIF is cut short.');
const uint16 = (bytes: Uint8Array, at: number) => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);

/** @throws ServiceError `image-damaged` */
export function readGifHeader(file: Uint8Array): GifHeader {
  const flags = file[10] ?? 0;
  let at = 13;
  let palette: Uint8Array | undefined;
  let transparent = -1;
  if (flags & 128) {
    palette = paletteAt(file, at, flags);
    at += palette.length;
  }
  for (;;) {
    const kind = file[at++];
    if (kind === EXTENSION) {
      if (file[at] === GRAPHIC_CONTROL && file[at + 1] === 4)
        transparent = (file[at + 2] ?? 0) & 1 ? (file[at + 5] ?? -1) : -1;
      at = afterBlocks(file, at + 1);
      continue;
    }
    if (kind !== IMAGE) throw kind === undefined ? cut() : damaged('The GIF has no picture.');
    const own = file[at + 8] ?? 0;
    const frame = {
      left: uint16(file, at),
      top: uint16(file, at + 2),
      width: uint16(file, at + 4),
      height: uint16(file, at + 6),
    };
    at += 9;
    if (own & 128) {
      palette = paletteAt(file, at, own);
      at += palette.length;
    }
    if (frame.width === 0 || frame.height === 0) throw damaged('The first frame of the GIF is empty.');
    // Where there is no palette, a player's own: grey.
    palette ??= Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));
    // Programs show all of a frame that reaches beyond the screen.
    const width = Math.max(uint16(file, 6), frame.left + frame.width);
    const height = Math.max(uint16(file, 8), frame.top + frame.height);
    return {
      format: 'gif',
      width,
      height,
      frame,
      palette,
      transparent,
      interlaced: (own & 64) !== 0,
      pixelsAt: at,
    };
  }
}

function paletteAt(file: Uint8Array, at: number, flags: number): Uint8Array {
  const length = 3 << ((flags & 7) + 1);
  if (at + length > file.length) throw cut();
  return file.subarray(at, at + length);
}

function afterBlocks(file: Uint8Array, from: number): number {
  let at = from;
  for (;;) {
    const length = file[at++];
    if (length === undefined) throw cut();
    if (length === 0) return at;
    at += length;
  }
}

/** Bytes that decoding takes: an interlaced picture is held, as indices. */
export function gifBytes({ width, frame, interlaced }: GifHeader): number {
  return frame.width * (interlaced ? frame.height : 1) + 3 * (width + frame.width) + 50_000;
}

/** Hands out the rows of the screen in RGB, white where nothing is. @throws ServiceError `image-damaged` */
export function decodeGif(file: Uint8Array, header: GifHeader, sink: RowSink): void {
  const { frame, palette, transparent, interlaced } = header;
  const { width, height } = frame;
  const colours = new Uint8Array(768);
  colours.set(palette);
  if (transparent >= 0) colours.fill(255, transparent * 3, transparent * 3 + 3);
  const placed = new Placed(sink, header, frame);
  const rgb = new Uint8Array(width * 3);
  const show = (indices: Uint8Array) => {
    for (let x = 0, to = 0; x < width; x++) {
      const from = (indices[x] as number) * 3;
      rgb[to++] = colours[from] as number;
      rgb[to++] = colours[from + 1] as number;
      rgb[to++] = colours[from + 2] as number;
    }
    placed.row(rgb);
  };
  const indices = new Uint8Array(width * (interlaced ? height : 1));
  let filled = 0;
  unpack(file, header.pixelsAt, width * height, (piece) => {
    for (let from = 0; from < piece.length; ) {
      const some = piece.subarray(from, from + indices.length - filled);
      indices.set(some, filled);
      filled += some.length;
      from += some.length;
      if (filled < indices.length || interlaced) continue;
      show(indices);
      filled = 0;
    }
  });
  if (interlaced) for (const at of storedRows(height)) show(indices.subarray(at * width, (at + 1) * width));
  placed.finish();
}

/** For each row from the top, which one of the file it is. */
function storedRows(height: number): Uint16Array {
  const rows = new Uint16Array(height);
  let stored = 0;
  for (const [first, step] of PASSES) for (let y = first; y < height; y += step) rows[y] = stored++;
  return rows;
}
