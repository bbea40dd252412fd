import type { PngChunks, PngHeader } from './chunks.ts';

/** Turns `count` pixels of an unfiltered row into 8-bit grey or RGB, alpha laid over white. */
export type ToPixels = (row: Uint8Array, count: number, pixels: Uint8Array) => void;

/** Channels of the decoded picture. */
export const channelsOf = ({ colourType }: PngHeader): 1 | 3 => (colourType === 0 || colourType === 4 ? 1 : 3);

/** Bits of one pixel in the file. */
export const bitsPerPixel = ({ colourType, bitDepth }: PngHeader) => samplesOf(colourType) * bitDepth;

function samplesOf(colourType: PngHeader['colourType']): number {
  return { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }[colourType];
}

/** The converter for this kind of PNG (section 6.1 and table 11.1). */
export function toPixels(header: PngHeader, chunks: PngChunks): ToPixels {
  const { bitDepth, colourType } = header;
  if (colourType === 3) return paletted(header, chunks);
  const channels = channelsOf(header);
  const alpha = colourType >= 4;
  const samples = samplesOf(colourType);
  const key = alpha || chunks.transparency.length < 2 * channels ? undefined : keyOf(chunks.transparency, channels);
  if (bitDepth === 8 && !alpha && !key) return (row, count, pixels) => pixels.set(row.subarray(0, count * samples));
  const sample = sampler(bitDepth);
  const to8 =
    bitDepth === 16 ? (v: number) => (v * 255 + 32_895) >> 16 : (v: number) => v * (255 / (2 ** bitDepth - 1));
  return (row, count, pixels) => {
    for (let x = 0; x < count; x++) {
      const from = x * samples;
      let clear = key !== undefined;
      for (let c = 0; key && c < channels; c++) clear &&= sample(row, from + c) === key[c];
      const opacity = clear ? 0 : alpha ? to8(sample(row, from + channels)) : 255;
      for (let c = 0; c < channels; c++) pixels[x * channels + c] = overWhite(to8(sample(row, from + c)), opacity);
    }
  };
}

function paletted({ bitDepth }: PngHeader, { palette, transparency }: PngChunks): ToPixels {
  const colours = new Uint8Array(256 * 3);
  for (let i = 0; i < palette.length; i++) {
    colours[i] = overWhite(palette[i] as number, transparency[Math.floor(i / 3)] ?? 255);
  }
  const sample = sampler(bitDepth);
  return (row, count, pixels) => {
    for (let x = 0; x < count; x++) {
      const from = sample(row, x) * 3;
      pixels[x * 3] = colours[from] as number;
      pixels[x * 3 + 1] = colours[from + 1] as number;
      pixels[x * 3 + 2] = colours[from + 2] as number;
    }
  };
}

/** Reads the sample with this number in a row; those of less than a byte stand highest bits first. */
function sampler(bitDepth: PngHeader['bitDepth']): (row: Uint8Array, index: number) => number {
  if (bitDepth === 8) return (row, index) => row[index] as number;
  if (bitDepth === 16) return (row, index) => ((row[2 * index] as number) << 8) | (row[2 * index + 1] as number);
  const mask = (1 << bitDepth) - 1;
  return (row, index) => {
    const bit = index * bitDepth;
    return ((row[bit >> 3] as number) >> (8 - bitDepth - (bit & 7))) & mask;
  };
}

/** The one grey or colour that tRNS makes transparent, in the file's own depth. */
function keyOf(transparency: Uint8Array, channels: number): readonly number[] {
  const view = new DataView(transparency.buffer, transparency.byteOffset, transparency.byteLength);
  return Array.from({ length: channels }, (_, c) => view.getUint16(2 * c));
}

function overWhite(value: number, opacity: number): number {
  return opacity === 255 ? value : Math.round((value * opacity + 255 * (255 - opacity)) / 255);
}
