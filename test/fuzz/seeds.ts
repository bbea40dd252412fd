import { readFileSync } from 'node:fs';
import path from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { shared } from '../fixtures/shared.ts';
import type { Format } from './mutations.ts';

const MAX_BYTES = 30_000;

/** Waves and noise, the same each time. */
function picture(width: number, height: number, channels: 1 | 3 | 4): Sharp {
  const data = Buffer.alloc(width * height * channels);
  for (let i = 0, noise = 1; i < data.length; i++) {
    const [c, x, y] = [i % channels, Math.floor(i / channels) % width, Math.floor(i / channels / width)];
    noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) >>> 0;
    data[i] = Math.max(0, Math.min(255, 128 + 70 * Math.sin((x * (c + 2)) / 9 + y / 5) + (noise >>> 24) / 16));
  }
  return sharp(data, { raw: { width, height, channels } });
}

/** Small pictures of a format, of each kind that sharp writes. */
async function generated(format: Format): Promise<Buffer[]> {
  const colour = picture(61, 43, 3);
  const alpha = picture(40, 27, 4);
  const grey = picture(33, 50, 1).toColourspace('b-w');
  switch (format) {
    case 'jpeg':
      return Promise.all([
        ...['4:4:4', '4:2:0'].flatMap((chromaSubsampling) =>
          [false, true].map((progressive) =>
            colour.clone().jpeg({ quality: 60, chromaSubsampling, progressive }).toBuffer(),
          ),
        ),
        grey.clone().jpeg().toBuffer(),
        grey.clone().jpeg({ progressive: true }).toBuffer(),
        colour.clone().toColourspace('cmyk').jpeg().toBuffer(),
        colour.clone().jpeg({ quality: 40 }).withMetadata({ orientation: 6 }).toBuffer(),
        // Large enough to be reduced, and flat, so that it is short.
        sharp({ create: { width: 900, height: 800, channels: 3, background: '#369' } })
          .jpeg()
          .toBuffer(),
        sharp({ create: { width: 900, height: 800, channels: 3, background: '#369' } })
          .jpeg({ progressive: true })
          .toBuffer(),
      ]);
    case 'png':
      return Promise.all([
        ...[colour, alpha, grey].flatMap((source) =>
          [false, true].map((progressive) => source.clone().png({ progressive, adaptiveFiltering: true }).toBuffer()),
        ),
        ...[2, 4, 16, 256].map((colours) => alpha.clone().png({ palette: true, colours }).toBuffer()),
        colour.clone().toColourspace('rgb16').png().toBuffer(),
      ]);
    case 'webp':
      return Promise.all([
        colour.clone().webp({ quality: 60, effort: 0 }).toBuffer(),
        alpha.clone().webp({ quality: 60, effort: 0 }).toBuffer(),
        alpha.clone().webp({ lossless: true, effort: 0 }).toBuffer(),
        colour.clone().webp({ nearLossless: true, effort: 0 }).toBuffer(),
      ]);
    case 'avif':
      return Promise.all([
        colour.clone().avif({ quality: 40, effort: 0, chromaSubsampling: '4:2:0' }).toBuffer(),
        alpha.clone().avif({ quality: 40, effort: 0 }).toBuffer(),
        grey.clone().avif({ lossless: true, effort: 0 }).toBuffer(),
      ]);
    case 'gif':
      return Promise.all([
        colour.clone().gif({ effort: 1 }).toBuffer(),
        colour.clone().gif({ progressive: true, effort: 1 }).toBuffer(),
        alpha.clone().gif({ colours: 8, effort: 1 }).toBuffer(),
      ]);
  }
}

/** What mutants are made of: pictures of other decoders' test suites, where they are there, and generated ones. */
export async function seedsOf(format: Format): Promise<Uint8Array[]> {
  const folder = shared('data/images');
  const entries: { file: string; bytes: number; format: string; expect: string }[] = folder
    ? JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8'))
    : [];
  const files = entries
    .filter((entry) => entry.format === format && entry.expect === 'decode' && entry.bytes <= MAX_BYTES)
    .map(({ file }) => new Uint8Array(readFileSync(path.join(folder ?? '', file))));
  return [...files, ...(await generated(format)).map((file) => new Uint8Array(file))];
}
