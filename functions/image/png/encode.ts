import { joined } from '../../bytes.ts';
import { crc32 } from './crc32.ts';

export type Rgba = readonly [red: number, green: number, blue: number, alpha: number];

/** `indices` is uint8 `[height, width]` into the palette of at most 256 colours. */
export interface IndexedPicture {
  readonly width: number;
  readonly height: number;
  readonly indices: Uint8Array;
  readonly palette: readonly Rgba[];
}

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** PNG, section 9.2: each byte less the one above it, which is 0 for most of a smooth picture. */
const UP = 2;

/** A PNG of a byte a pixel, with transparency. */
export async function encodePng({ width, height, indices, palette }: IndexedPicture): Promise<Uint8Array<ArrayBuffer>> {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  // 8 bits an index, colour type "indexed"; compression, filter method and interlace are 0.
  header.set([8, 3], 8);
  const rows = new Uint8Array((width + 1) * height);
  for (let y = 0; y < height; y++) {
    rows[y * (width + 1)] = UP;
    for (let x = 0; x < width; x++) {
      const above = y > 0 ? (indices[(y - 1) * width + x] as number) : 0;
      rows[y * (width + 1) + 1 + x] = (indices[y * width + x] as number) - above;
    }
  }
  return joined([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('PLTE', Uint8Array.from(palette.flatMap((colour) => colour.slice(0, 3)))),
    chunk('tRNS', Uint8Array.from(palette.map(([, , , alpha]) => alpha))),
    chunk('IDAT', await deflate(rows)),
    chunk('IEND', new Uint8Array()),
  ]);
}

async function deflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  // The platform's "deflate" is RFC 1950, as PNG wants it.
  const compressed = new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate'));
  return new Uint8Array(await new Response(compressed).arrayBuffer());
}

function chunk(type: string, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(payload.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  bytes.set(payload, 8);
  view.setUint32(payload.length + 8, crc32(bytes.subarray(4, payload.length + 8)));
  return bytes;
}
