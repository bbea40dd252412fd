import { damaged, unsupported } from '../errors.ts';
import type { Orientation } from '../exif.ts';
import { type Box, cut, Reader } from './boxes.ts';
import { type Item, type Items, readItems } from './items.ts';
import { stillOf } from './still.ts';

/** What the boxes of an AVIF say of its primary picture. */
export interface AvifHeader {
  readonly format: 'avif';
  /** Of the stored picture. */
  readonly width: number;
  readonly height: number;
  readonly orientation: Orientation;
  readonly alpha: boolean;
  /** Whether it is put together of tiles. */
  readonly tiled: boolean;
  /** Samples of chroma to one of luma: 0 for grey, 0.5, 1 or 2. */
  readonly chroma: number;
  /** An AVIF of that picture and its alpha alone; a grid with all that is beside it. */
  readonly file: Uint8Array;
}

/** By quarter turns to the left, and then none, top and bottom exchanged, or left and right (ISO/IEC 23008-12, 6.5.10 and 12). */
const ORIENTATIONS: readonly (readonly [Orientation, Orientation, Orientation])[] = [
  [1, 4, 2],
  [8, 5, 7],
  [3, 2, 4],
  [6, 7, 5],
];

/**
 * Exif is not looked at: the turn that counts stands in the boxes.
 * @throws ServiceError `image-damaged` or `image-unsupported`
 */
export function readAvifHeader(bytes: Uint8Array): AvifHeader {
  const items = readItems(bytes);
  const primary = items.items.get(items.primary);
  if (!primary) throw cut();
  if (primary.type !== 'av01' && primary.type !== 'grid') {
    throw unsupported(`The picture is coded as ${JSON.stringify(primary.type)}, not as AV1.`);
  }
  const size = sizeOf(bytes, primary);
  if (!size) throw damaged('The AVIF does not say its size.');
  const tiled = primary.type === 'grid';
  const alpha = alphaOf(bytes, items, primary.id);
  const coded = tiled ? firstTile(items, primary.id) : primary;
  const [, , layout = 0] = (coded && payload(bytes, coded, 'av1C')) ?? [];
  const [grey, halfAcross, halfDown] = [layout & 16, layout & 8, layout & 4];
  return {
    format: 'avif',
    ...size,
    orientation: orientationOf(bytes, primary),
    alpha: alpha !== undefined,
    tiled,
    chroma: grey ? 0 : 2 / ((halfAcross ? 2 : 1) * (halfDown ? 2 : 1)),
    file: tiled ? bytes : stillOf(bytes, size, primary, alpha),
  };
}

/** What a property of an item holds. */
export function payload(bytes: Uint8Array, { properties }: Item, type: string): Uint8Array | undefined {
  const box = properties.find((property) => property.type === type);
  return box && bytes.subarray(box.start, box.end);
}

function sizeOf(bytes: Uint8Array, { properties }: Item) {
  const ispe: Box | undefined = properties.find(({ type }) => type === 'ispe');
  if (!ispe) return undefined;
  const reader = new Reader(bytes, ispe);
  reader.version();
  return { width: reader.uint(4), height: reader.uint(4) };
}

function alphaOf(bytes: Uint8Array, { items, references }: Items, id: number): Item | undefined {
  const parts = references.filter(({ type, to }) => type === 'auxl' && to.includes(id)).map(({ from }) => from);
  return parts
    .flatMap((part) => items.get(part) ?? [])
    .find((item) => {
      const kind = String.fromCharCode(...(payload(bytes, item, 'auxC')?.subarray(4, 64) ?? []));
      return (
        kind.startsWith('urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0') ||
        kind.startsWith('urn:mpeg:hevc:2015:auxid:1\0')
      );
    });
}

const firstTile = ({ items, references }: Items, grid: number): Item | undefined =>
  items.get(references.find(({ type, from }) => type === 'dimg' && from === grid)?.to[0] ?? -1);

function orientationOf(bytes: Uint8Array, item: Item): Orientation {
  const turns = (payload(bytes, item, 'irot')?.[0] ?? 0) & 3;
  const mirror = payload(bytes, item, 'imir')?.[0];
  return ORIENTATIONS[turns]?.[mirror === undefined ? 0 : 1 + (mirror & 1)] ?? 1;
}
