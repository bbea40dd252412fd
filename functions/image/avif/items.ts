import { type Box, boxesIn, boxIn, cut, Reader } from './boxes.ts';

/** A part of the file: a coded picture, a grid of them, their alpha (ISO/IEC 14496-12, 8.11). */
export interface Item {
  readonly id: number;
  /** As `av01`, `grid`, `hvc1`. */
  readonly type: string;
  readonly properties: readonly Box[];
  /** Where in the file its data lies; empty for what stands elsewhere. */
  readonly extents: readonly Pick<Box, 'start' | 'end'>[];
}

/** `from` is the alpha (`auxl`) of `to`, or a grid made of it (`dimg`). */
export interface Reference {
  readonly type: string;
  readonly from: number;
  readonly to: readonly number[];
}

export interface Items {
  readonly primary: number;
  readonly items: ReadonlyMap<number, Item>;
  readonly references: readonly Reference[];
}

/** A grid of tiles of a picture of the greatest size, and metadata. */
const MAX_ITEMS = 1_024;
const MAX_EXTENTS = 4_096;

/** @throws ServiceError `image-damaged` */
export function readItems(bytes: Uint8Array): Items {
  const metaBox = boxIn(bytes, { start: 0, end: bytes.length }, 'meta');
  const meta = { start: metaBox.start + 4, end: metaBox.end };
  const boxes = new Map<string, Box>();
  for (const box of boxesIn(bytes, meta)) if (!boxes.has(box.type)) boxes.set(box.type, box);
  const reader = (type: string) => new Reader(bytes, boxes.get(type) ?? boxIn(bytes, meta, type));
  const pitm = reader('pitm');
  const primary = pitm.uint(pitm.version() === 0 ? 2 : 4);
  const types = typesIn(reader('iinf'));
  const properties = propertiesIn(bytes, reader('iprp'));
  const extents = extentsIn(reader('iloc'), boxes.get('idat'), bytes.length);
  const items = new Map(
    [...types].map(([id, type]) => [
      id,
      { id, type, properties: properties.get(id) ?? [], extents: extents.get(id) ?? [] },
    ]),
  );
  return { primary, items, references: boxes.has('iref') ? referencesIn(bytes, reader('iref')) : [] };
}

function typesIn(iinf: Reader): Map<number, string> {
  const count = iinf.uint(iinf.version() === 0 ? 2 : 4);
  const types = new Map<number, string>();
  if (count > MAX_ITEMS) throw cut();
  for (const box of boxesIn(iinf.bytes, { start: iinf.at, end: iinf.end })) {
    if (box.type !== 'infe') continue;
    const infe = new Reader(iinf.bytes, box);
    const version = infe.version();
    if (version < 2) continue;
    const id = infe.uint(version === 2 ? 2 : 4);
    infe.uint(2);
    types.set(id, infe.text(4));
    if (types.size > MAX_ITEMS) throw cut();
  }
  return types;
}

function propertiesIn(bytes: Uint8Array, iprp: Reader): Map<number, Box[]> {
  const inside = { start: iprp.at, end: iprp.end };
  const all = [...boxesIn(bytes, boxIn(bytes, inside, 'ipco'))];
  const of = new Map<number, Box[]>();
  const ipma = new Reader(bytes, boxIn(bytes, inside, 'ipma'));
  const version = ipma.uint(1);
  const wide = (ipma.uint(3) & 1) === 1;
  const count = ipma.uint(4);
  if (count > MAX_ITEMS) throw cut();
  for (let i = 0; i < count; i++) {
    const id = ipma.uint(version === 0 ? 2 : 4);
    const properties: Box[] = [];
    for (let left = ipma.uint(1); left > 0; left--) {
      const box = all[(ipma.uint(wide ? 2 : 1) & (wide ? 0x7fff : 0x7f)) - 1];
      if (box) properties.push(box);
    }
    of.set(id, properties);
  }
  return of;
}

function extentsIn(iloc: Reader, idat: Box | undefined, length: number): Map<number, Pick<Box, 'start' | 'end'>[]> {
  const version = iloc.version();
  const sizes = iloc.uint(2);
  const [offsetBytes, lengthBytes, baseBytes, indexBytes] = [
    sizes >> 12,
    (sizes >> 8) & 15,
    (sizes >> 4) & 15,
    sizes & 15,
  ];
  if ([offsetBytes, lengthBytes, baseBytes, indexBytes].some((size) => ![0, 4, 8].includes(size))) throw cut();
  const of = new Map<number, Pick<Box, 'start' | 'end'>[]>();
  const count = iloc.uint(version < 2 ? 2 : 4);
  let extentsLeft = MAX_EXTENTS;
  if (count > MAX_ITEMS) throw cut();
  for (let i = 0; i < count; i++) {
    const id = iloc.uint(version < 2 ? 2 : 4);
    const method = version === 0 ? 0 : iloc.uint(2) & 15;
    const elsewhere = iloc.uint(2) !== 0 || method > 1 || (method === 1 && !idat);
    const from = iloc.uint(baseBytes) + (method === 1 ? (idat?.start ?? 0) : 0);
    const extents: Pick<Box, 'start' | 'end'>[] = [];
    for (let left = iloc.uint(2); left > 0; left--) {
      if (--extentsLeft < 0) throw cut();
      if (version > 0) iloc.uint(indexBytes);
      const start = from + iloc.uint(offsetBytes);
      const bytes = iloc.uint(lengthBytes);
      if (!elsewhere) extents.push({ start, end: bytes === 0 ? length : start + bytes });
    }
    of.set(id, extents);
  }
  return of;
}

function referencesIn(bytes: Uint8Array, iref: Reader): Reference[] {
  const wide = iref.version() === 0 ? 2 : 4;
  const references: Reference[] = [];
  for (const box of boxesIn(bytes, { start: iref.at, end: iref.end })) {
    const reader = new Reader(bytes, box);
    const from = reader.uint(wide);
    const to: number[] = [];
    for (let left = reader.uint(2); left > 0; left--) to.push(reader.uint(wide));
    references.push({ type: box.type, from, to });
    if (references.length > MAX_ITEMS) throw cut();
  }
  return references;
}
