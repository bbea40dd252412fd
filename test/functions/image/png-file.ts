/** PNG files by hand, of every kind and with every fault. */
export interface PngParts {
  readonly width: number;
  readonly height: number;
  readonly bitDepth?: number;
  readonly colourType?: number;
  readonly interlace?: number;
  /** Filtered rows, each with its filter's byte in front. */
  readonly rows: Uint8Array | readonly number[];
  /** Chunks between IHDR and IDAT. */
  readonly before?: readonly (readonly [type: string, payload: readonly number[]])[];
}

export async function pngFile(parts: PngParts): Promise<Uint8Array> {
  const { width, height, bitDepth = 8, colourType = 0, interlace = 0, rows, before = [] } = parts;
  const header = [...u32(width), ...u32(height), bitDepth, colourType, 0, 0, interlace];
  return Uint8Array.from([
    ...[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    ...chunk('IHDR', header),
    ...before.flatMap(([type, payload]) => chunk(type, payload)),
    ...chunk('IDAT', await deflate(Uint8Array.from(rows))),
    ...chunk('IEND', []),
  ]);
}

async function deflate(bytes: Uint8Array<ArrayBuffer>): Promise<number[]> {
  const body = new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate'));
  return [...new Uint8Array(await new Response(body).arrayBuffer())];
}

function chunk(type: string, payload: readonly number[]): number[] {
  const body = [...Array.from(type, (char) => char.charCodeAt(0)), ...payload];
  return [...u32(payload.length), ...body, ...u32(crc(body))];
}

function crc(bytes: readonly number[]): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return ~value >>> 0;
}

const u32 = (value: number) => [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
