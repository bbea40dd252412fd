import { damaged, unsupported } from '../errors.ts';
import { exifOrientation, type Orientation } from '../exif.ts';

/** What the segments before the first scan say (ITU-T T.81, annex B). */
export interface JpegHeader {
  readonly format: 'jpeg';
  readonly width: number;
  readonly height: number;
  /** Of the rows that a decoder gives. */
  readonly channels: 1 | 3;
  readonly components: readonly FrameComponent[];
  readonly colour: 'grey' | 'ycc' | 'rgb' | 'cmyk' | 'ycck';
  /** Adobe's programs store inks inverted. */
  readonly inverted: boolean;
  readonly progressive: boolean;
  /** Whether more than one scan makes the picture. */
  readonly inScans: boolean;
  readonly orientation: Orientation;
}

export interface FrameComponent {
  readonly id: number;
  /** Sampling factors, horizontal and vertical. */
  readonly across: number;
  readonly down: number;
  /** Number of its quantization table. */
  readonly quantizers: number;
}

const SOI = 0xd8;
export const EOI = 0xd9;
export const SOS = 0xda;
export const DHT = 0xc4;
export const DQT = 0xdb;
export const DRI = 0xdd;
const JPG = 0xc8;
const DAC = 0xcc;
const APP0 = 0xe0;
const APP1 = 0xe1;
const APP14 = 0xee;
/** No encoder writes more; each scan of a hostile file costs a pass over the whole picture. */
const MAX_SCANS = 64;

const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![DHT, JPG, DAC].includes(marker);
/** TEM and RST0…RST7 have no length. */
const isAlone = (marker: number) => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly progressive: boolean;
  readonly components: readonly FrameComponent[];
}

/** A segment with a length: its marker, what it holds, and where the next one may begin. */
export interface Segment {
  readonly marker: number;
  readonly data: Uint8Array;
  readonly end: number;
}

/** The next segment at or after `from`; empty data for markers that stand alone. */
export function nextSegment(bytes: Uint8Array, from: number): Segment | undefined {
  const next = nextMarker(bytes, from);
  if (!next) return undefined;
  const { marker, end: start } = next;
  if (isAlone(marker) || marker === EOI || marker === SOI) return { marker, data: new Uint8Array(), end: start };
  /** The length counts itself; libjpeg, too, takes less for an empty segment. */
  const end = start + Math.max(2, u16(bytes, start));
  if (end > bytes.length) throw damaged('The JPEG ends within its header.');
  return { marker, data: bytes.subarray(start + 2, end), end };
}

/** @throws ServiceError where the picture is damaged or of a process that is not read */
export function readJpegHeader(bytes: Uint8Array): JpegHeader {
  let frame: Frame | undefined;
  let orientation: Orientation = 1;
  let adobe: number | undefined;
  let jfif = false;
  for (let at = 2; ; ) {
    const segment = nextSegment(bytes, at);
    if (!segment) throw damaged('The JPEG ends before its picture begins.');
    const { marker, data } = segment;
    at = segment.end;
    if (marker === EOI || marker === SOI) throw damaged('The JPEG has no picture.');
    if (isFrame(marker)) {
      if (frame) throw damaged('The JPEG has two frames.');
      frame = readFrame(marker, data);
    } else if (marker === APP0 && startsWith(data, 'JFIF\0')) {
      jfif = true;
    } else if (marker === APP1 && startsWith(data, 'Exif\0\0')) {
      orientation = exifOrientation(data.subarray(6));
    } else if (marker === APP14 && startsWith(data, 'Adobe') && data.length >= 12) {
      adobe = data[11];
    } else if (marker === SOS) {
      if (!frame) throw damaged('The JPEG has a scan before its frame.');
      const inScans = frame.progressive || (data[0] ?? 0) < frame.components.length;
      if (inScans) checkScans(bytes, at);
      const colour = colourOf(frame.components, jfif, adobe);
      const channels = colour === 'grey' ? 1 : 3;
      const inverted = adobe !== undefined;
      return { format: 'jpeg', ...frame, channels, colour, inverted, inScans, orientation };
    }
  }
}

/** As libjpeg guesses it: JFIF is YCbCr, then Adobe's word counts, then the names of the components. */
function colourOf(components: readonly FrameComponent[], jfif: boolean, adobe: number | undefined) {
  if (components.length === 1) return 'grey';
  if (components.length === 4) return adobe === 2 ? 'ycck' : 'cmyk';
  if (components.length !== 3) throw unsupported(`The JPEG has ${components.length} components.`);
  if (jfif) return 'ycc';
  if (adobe !== undefined) return adobe === 0 ? 'rgb' : 'ycc';
  return String.fromCharCode(...components.map(({ id }) => id)) === 'RGB' ? 'rgb' : 'ycc';
}

function checkScans(bytes: Uint8Array, from: number): void {
  let scans = 1;
  for (let next = nextMarker(bytes, from); next && next.marker !== EOI; next = nextMarker(bytes, next.end)) {
    if (next.marker === SOS && ++scans > MAX_SCANS) {
      throw unsupported(`The JPEG has more than ${MAX_SCANS} scans.`, 'Save it as a baseline JPEG.');
    }
  }
}

function readFrame(marker: number, segment: Uint8Array): Frame {
  const [precision = 0] = segment;
  const count = segment[5] ?? 0;
  if (marker > 0xc2) {
    const arithmetic = marker >= 0xc9 && marker <= 0xcb;
    const process = arithmetic ? 'arithmetic-coded' : marker === 0xc3 ? 'lossless' : 'hierarchical or lossless';
    throw unsupported(`The JPEG is ${process}.`, 'Save it as a baseline or progressive JPEG, or as PNG.');
  }
  if (precision !== 8) {
    throw unsupported(`The JPEG has ${precision} bits a sample.`, 'Save it with 8 bits a sample.');
  }
  if (segment.length !== 6 + 3 * count) throw damaged('The frame header of the JPEG has a wrong length.');
  const height = u16(segment, 1);
  const width = u16(segment, 3);
  if (height === 0) throw unsupported('The JPEG does not say its height in its header.');
  if (width === 0 || count === 0) throw damaged('The JPEG says that it is empty.');
  const components = Array.from({ length: count }, (_, i) => {
    const [id = 0, factors = 0, quantizers = 0] = segment.subarray(6 + 3 * i);
    return { id, across: factors >> 4, down: factors & 15, quantizers };
  });
  if (components.some(({ across, down }) => across < 1 || across > 4 || down < 1 || down > 4)) {
    throw damaged('The JPEG has impossible sampling factors.');
  }
  /** Alone, a component is scanned block by block, whatever its factors. */
  const single = components.map((component) => ({ ...component, across: 1, down: 1 }));
  return { width, height, progressive: marker === 0xc2, components: count === 1 ? single : components };
}

/** The next marker at or after `from`; what lies between, stuffed and fill bytes are skipped, as libjpeg does. */
function nextMarker(bytes: Uint8Array, from: number): { marker: number; end: number } | undefined {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at)) {
    while (bytes[at] === 0xff) at++;
    const marker = bytes[at++];
    if (marker === undefined) return undefined;
    if (marker !== 0) return { marker, end: at };
  }
  return undefined;
}

function startsWith(segment: Uint8Array, text: string): boolean {
  return String.fromCharCode(...segment.subarray(0, text.length)) === text;
}

export function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
