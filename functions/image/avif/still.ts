import { asciiOf, joined } from '../../bytes.ts';
import type { Size } from '../resize.ts';
import { type Box, cut } from './boxes.ts';
import type { Item } from './items.ts';

/**
 * An AVIF with one picture and its alpha, written anew. The decoder's own reading of boxes sees none of a stranger's,
 * and does not miss those that encoders forget (`pixi`, or the size of alpha); metadata is not copied.
 * @throws ServiceError `image-damaged`
 */
export function stillOf(bytes: Uint8Array, size: Size, colour: Item, alpha: Item | undefined): Uint8Array {
  const parts = alpha ? [colour, alpha] : [colour];
  const data = parts.map((part) => dataOf(bytes, part));
  const properties = parts.map((part) => propertiesOf(bytes, part, size, part === alpha));
  let next = 0;
  const places = properties.map((list) => list.map(() => ++next));
  const meta = (from: number) => {
    let at = from;
    const iloc = data.map((piece, i) => {
      at += piece.length;
      return joined([uint(i + 1, 2), uint(0, 2), uint(1, 2), uint(at - piece.length, 4), uint(piece.length, 4)]);
    });
    return full('meta', 0, [
      full('hdlr', 0, [uint(0, 4), ascii('pict'), new Uint8Array(13)]),
      full('pitm', 0, [uint(1, 2)]),
      full('iloc', 0, [uint(0x4400, 2), uint(parts.length, 2), ...iloc]),
      full('iinf', 0, [
        uint(parts.length, 2),
        ...parts.map((_, i) => full('infe', 2 << 24, [uint(i + 1, 2), uint(0, 2), ascii('av01'), uint(0, 1)])),
      ]),
      ...(alpha ? [full('iref', 0, [box('auxl', [uint(2, 2), uint(1, 2), uint(1, 2)])])] : []),
      box('iprp', [
        box('ipco', properties.flat()),
        full('ipma', 0, [
          uint(parts.length, 4),
          ...places.flatMap((list, i) => [uint(i + 1, 2), uint(list.length, 1), Uint8Array.from(list)]),
        ]),
      ]),
    ]);
  };
  const type = box('ftyp', [ascii('avif'), uint(0, 4), ascii('avif'), ascii('mif1')]);
  const start = type.length + meta(0).length + 8;
  return joined([type, meta(start), box('mdat', data)]);
}

/** Size, depth and coding; of colour, how it is coded (`nclx`), and not a profile; of alpha, that it is. */
function propertiesOf(bytes: Uint8Array, item: Item, { width, height }: Size, isAlpha: boolean): Uint8Array[] {
  const given = (type: string, wanted: (property: Box) => boolean = () => true) => {
    const found = item.properties.find((property) => property.type === type && wanted(property));
    return found && box(type, [bytes.subarray(found.start, found.end)]);
  };
  const coding = given('av1C');
  if (!coding) throw cut();
  const flags = coding[10] ?? 0;
  const depth = flags & 64 ? (flags & 32 ? 12 : 10) : 8;
  const channels = flags & 16 ? 1 : 3;
  const colour = given('colr', ({ start }) => asciiOf(bytes, start, start + 4) === 'nclx');
  return [
    full('ispe', 0, [uint(width, 4), uint(height, 4)]),
    full('pixi', 0, [uint(channels, 1), new Uint8Array(channels).fill(depth)]),
    coding,
    ...(isAlpha ? [full('auxC', 0, [ascii('urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0')])] : colour ? [colour] : []),
  ];
}

function dataOf(bytes: Uint8Array, { extents }: Item): Uint8Array {
  let total = 0;
  const pieces = extents.map(({ start, end }) => {
    total += end - start;
    // Extents may repeat each other; together they are no longer than the file.
    if (end > bytes.length || total > bytes.length) throw cut();
    return bytes.subarray(start, end);
  });
  if (total === 0) throw cut();
  return joined(pieces);
}

function uint(value: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = length - 1, left = value; i >= 0; i--, left = Math.floor(left / 256)) bytes[i] = left % 256;
  return bytes;
}

const ascii = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

function box(type: string, parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 8);
  return joined([uint(length, 4), ascii(type), ...parts]);
}

/** @param flags with the version in the highest byte */
const full = (type: string, flags: number, parts: readonly Uint8Array[]) => box(type, [uint(flags, 4), ...parts]);
