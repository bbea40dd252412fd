import { overWhite } from '../over-white.ts';
import type { PngChunks, PngHeader } from './chunks.ts';

/** Turns `count` pixels of an unfiltered row into 8-bit grey or RGB, alpha laid over white, at `pixels[at…]`. */
export type ToPixels = (row: Uint8Array, count: number, pixels: Uint8Array, at: number) => void;

/** Channels of the decoded picture. */
export const channelsOf = ({ colourType }: PngHeader): 1 | 3 => (colourType === 0 || colourType === 4 ? 1 : 3);

/** Bits of one pixel in the file. */
export const bitsPerPixel = ({ colourType, bitDepth }: PngHeader) => samplesOf(colourType) * bitDepth;

function samplesOf(colourType: PngHeader['colourType']): number {
  return { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }[colourType];
}

/** The converter for this kind of PNG (section 6.1 and table 11.1). */
export function toPixels(header: PngHeader, { palette, transparency }: PngChunks): ToPixels {
  const { bitDepth, colourType } = header;
  const channels = channelsOf(header);
  if (colourType === 3) return paletted(header, palette, transparency);
  if (colourType >= 4) return blended(header, channels);
  if (transparency.length < 2 * channels)
    return (row, count, pixels, at) => widen(row, count * channels, bitDepth, pixels, at);
  return keyed(header, channels, transparency);
}

function paletted({ width, bitDepth }: PngHeader, palette: Uint8Array, transparency: Uint8Array): ToPixels {
  const colours = new Uint8Array(256 * 3);
  for (let i = 0; i < palette.length; i++) {
    colours[i] = overWhite(palette[i] as number, transparency[Math.floor(i / 3)] ?? 255);
  }
  const indices = new Uint8Array(width);
  return (row, count, pixels, at) => {
    samples(row, count, bitDepth, 1, indices, 0);
    for (let x = 0, to = at; x < count; x++) {
      const from = (indices[x] as number) * 3;
      pixels[to++] = colours[from] as number;
      pixels[to++] = colours[from + 1] as number;
      pixels[to++] = colours[from + 2] as number;
    }
  };
}

function blended({ width, bitDepth }: PngHeader, channels: 1 | 3): ToPixels {
  const pitch = channels + 1;
  const wide = new Uint8Array(width * pitch);
  return (row, count, pixels, at) => {
    widen(row, count * pitch, bitDepth, wide, 0);
    for (let x = 0, from = 0, to = at; x < count; x++, from += pitch) {
      const opacity = wide[from + channels] as number;
      for (let c = 0; c < channels; c++) pixels[to++] = overWhite(wide[from + c] as number, opacity);
    }
  };
}

/** One grey or colour is transparent; it is compared in the file's own depth (section 11.3.2.1). */
function keyed({ bitDepth }: PngHeader, channels: 1 | 3, transparency: Uint8Array): ToPixels {
  const key = transparency.subarray(0, 2 * channels);
  const wideKey = key.filter((_, i) => i % 2 === 1);
  if (bitDepth < 8) wideKey[0] = ((wideKey[0] as number) & ((1 << bitDepth) - 1)) * scaleOf(bitDepth);
  const matches = (bytes: Uint8Array, from: number, wanted: Uint8Array) => {
    for (let i = 0; i < wanted.length; i++) if (bytes[from + i] !== wanted[i]) return false;
    return true;
  };
  return (row, count, pixels, at) => {
    widen(row, count * channels, bitDepth, pixels, at);
    for (let x = 0, to = at; x < count; x++, to += channels) {
      const clear = bitDepth === 16 ? matches(row, x * 2 * channels, key) : matches(pixels, to, wideKey);
      if (clear) pixels.fill(255, to, to + channels);
    }
  };
}

const scaleOf = (bitDepth: number) => 255 / ((1 << bitDepth) - 1);

/** Samples of any depth as 8 bits: 16-bit ones divided by 257 and rounded, small ones multiplied to reach 255. */
function widen(row: Uint8Array, count: number, bitDepth: number, out: Uint8Array, at: number): void {
  if (bitDepth === 8) out.set(row.subarray(0, count), at);
  else if (bitDepth < 8) samples(row, count, bitDepth, scaleOf(bitDepth), out, at);
  else narrow(row, count, out, at);
}

function narrow(row: Uint8Array, count: number, out: Uint8Array, at: number): void {
  for (let i = 0; i < count; i++) {
    const value = ((row[2 * i] as number) << 8) | (row[2 * i + 1] as number);
    out[at + i] = (value * 255 + 32_895) >> 16;
  }
}

/** Samples of up to 8 bits, times `scale`; those of less than a byte stand highest bits first (section 7.2). */
function samples(row: Uint8Array, count: number, bitDepth: number, scale: number, out: Uint8Array, at: number): void {
  const mask = (1 << bitDepth) - 1;
  for (let i = 0, bit = 0; i < count; i++, bit += bitDepth) {
    out[at + i] = (((row[bit >> 3] as number) >> (8 - bitDepth - (bit & 7))) & mask) * scale;
  }
}
