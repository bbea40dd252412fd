import sharp from 'sharp';
import { imageAt, type LabelledImages } from '../data/labelled-images.ts';
import { escapeHtml } from './plot.ts';
import { cut, type Drawing, rect, short, text } from './svg.ts';

/** A picture with what is to be said of it. */
export interface Tile {
  /** `data:` address of a PNG of its own size. */
  readonly url: string;
  /** For who cannot see it, and for the pointer. */
  readonly tip: string;
  readonly lines: readonly TileLine[];
}

export interface TileLine {
  readonly words: string;
  readonly kind?: 'note' | 'wrong';
}

/** The `at`-th image as a `data:` address. @param order of its channels */
export async function pictureUrl(data: LabelledImages, at: number, order: 'grey' | 'rgb' | 'bgr'): Promise<string> {
  const [height, width, channels] = data.shape;
  const pixels = Uint8Array.from(imageAt(data, at));
  if (order === 'bgr') for (let p = 0; p < pixels.length; p += 3) pixels.subarray(p, p + 3).reverse();
  return pngUrl(pixels, width, height, channels === 1 ? 1 : 3);
}

export async function pngUrl(pixels: Uint8Array, width: number, height: number, channels: 1 | 3): Promise<string> {
  const png = await sharp(pixels, { raw: { width, height, channels } })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .png({ compressionLevel: 9 })
    .toBuffer();
  return `data:image/png;base64,${png.toString('base64')}`;
}

/** For a page: as many in a row as fit. */
export function tilesHtml(tiles: readonly Tile[]): string {
  const figures = tiles.map(({ url, tip, lines }) => {
    const said = lines.map(({ words, kind }) => `<span${kind ? ` class="${kind}"` : ''}>${escapeHtml(words)}</span>`);
    return `<figure class="tile" title="${escapeHtml(tip)}"><img src="${url}" alt="${escapeHtml(tip)}"><figcaption>${said.join('<br>')}</figcaption></figure>`;
  });
  return `<div class="tiles">${figures.join('\n')}</div>`;
}

const [TILE, PICTURE, LINE, TOP] = [112, 84, 15, 30];

/** The same as one drawing, `columns` in a row. */
export function tilesDrawing(title: string, tiles: readonly Tile[], columns: number): Drawing {
  const lines = Math.max(0, ...tiles.map((tile) => tile.lines.length));
  const height = PICTURE + lines * LINE + 18;
  const body = tiles.map((tile, index) => {
    const [x, y] = [(index % columns) * TILE, TOP + Math.floor(index / columns) * height];
    const said = tile.lines.map(({ words, kind }, line) =>
      text(x + TILE / 2, y + PICTURE + 14 + line * LINE, cut(words, 18), { anchor: 'middle', ...(kind && { kind }) }),
    );
    return imageAtPlace(tile.url, x + (TILE - PICTURE) / 2, y, PICTURE, PICTURE) + said.join('');
  });
  const rows = Math.ceil(tiles.length / columns);
  return {
    title,
    width: Math.max(columns * TILE, 320),
    height: TOP + rows * height,
    body: text(0, 18, title, { kind: 'title' }) + body.join(''),
  };
}

const imageAtPlace = (url: string, x: number, y: number, width: number, height: number): string =>
  `<image href="${url}" x="${short(x)}" y="${short(y)}" width="${width}" height="${height}" image-rendering="optimizeSpeed" style="image-rendering:pixelated"/>`;

/** Matplotlib's viridis (CC0) at every eighth. */
const VIRIDIS = ['440154', '472d7b', '3b528b', '2c728e', '21918c', '28ae80', '5ec962', 'addc30', 'fde725'].map((hex) =>
  [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)),
);

function viridis(value: number): readonly number[] {
  const place = (value / 255) * (VIRIDIS.length - 1);
  const low = Math.min(Math.floor(place), VIRIDIS.length - 2);
  return [0, 1, 2].map((c) => {
    const [from, to] = [VIRIDIS[low]?.[c] ?? 0, VIRIDIS[low + 1]?.[c] ?? 0];
    return Math.round(from + (to - from) * (place - low));
  });
}

const MAP = 336;

/** An image as its values, 0…255 (of a colour image the mean of its channels), with axes and a colour bar. */
export async function valueMap(title: string, data: LabelledImages, at: number): Promise<Drawing> {
  const [height, width, channels] = data.shape;
  const image = imageAt(data, at);
  const values = Array.from({ length: height * width }, (_, p) =>
    Math.round(image.subarray(p * channels, (p + 1) * channels).reduce((sum, value) => sum + value, 0) / channels),
  );
  const map = await pngUrl(Uint8Array.from(values.flatMap(viridis)), width, height, 3);
  const bar = await pngUrl(
    Uint8Array.from({ length: 256 }, (_, v) => v)
      .reverse()
      .reduce<Uint8Array>((all, v, y) => {
        all.set(viridis(v), y * 3);
        return all;
      }, new Uint8Array(768)),
    1,
    256,
    3,
  );
  const [left, top] = [34, 34];
  const [x, y] = [(column: number) => left + (column / width) * MAP, (row: number) => top + (row / height) * MAP];
  const step = Math.max(1, Math.round(width / 28)) * 5;
  const marks = (size: number) => Array.from({ length: Math.ceil(size / step) }, (_, n) => n * step);
  const levels = [0, 50, 100, 150, 200, 250];
  const level = (value: number) => top + (1 - value / 255) * MAP;
  const barAt = left + MAP + 24;
  const body = [
    text(left, 20, title, { kind: 'title' }),
    imageAtPlace(map, left, top, MAP, MAP),
    rect(left, top, MAP, MAP, 'class="frame"'),
    ...marks(width).map((n) => text(x(n + 0.5), top + MAP + 16, String(n), { anchor: 'middle', kind: 'note' })),
    ...marks(height).map((n) => text(left - 6, y(n + 0.5) + 4, String(n), { anchor: 'end', kind: 'note' })),
    `<image href="${bar}" x="${barAt}" y="${top}" width="18" height="${MAP}" preserveAspectRatio="none"/>`,
    rect(barAt, top, 18, MAP, 'class="frame"'),
    ...levels.map((value) => text(barAt + 24, level(value) + 4, String(value), { kind: 'note' })),
  ];
  return { title, width: barAt + 60, height: top + MAP + 24, body: body.join('') };
}
