import { damaged, unsupported } from '../errors.ts';
import { exifOrientation, type Orientation } from '../exif.ts';

/** What the segments before the first scan say (ITU-T T.81, annex B). */
export interface JpegHeader {
  readonly format: 'jpeg';
  readonly width: number;
  readonly height: number;
  readonly components: 1 | 3;
  readonly orientation: Orientation;
  /** Bytes of the coefficients that a decoder has to keep until the last scan; 0 where one scan has everything. */
  readonly coefficientBytes: number;
}

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const DHT = 0xc4;
const JPG = 0xc8;
const DAC = 0xcc;
const APP1 = 0xe1;
/** No encoder writes more; each scan of a hostile file costs a pass over the whole picture. */
const MAX_SCANS = 64;

const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![DHT, JPG, DAC].includes(marker);
/** TEM and RST0…RST7 have no length. */
const isAlone = (marker: number) => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly progressive: boolean;
  /** Sampling factors [horizontal, vertical] of each component. */
  readonly sampling: readonly (readonly [number, number])[];
}

/** @throws ServiceError where the picture is damaged or of a process that is not read */
export function readJpegHeader(bytes: Uint8Array): JpegHeader {
  let frame: Frame | undefined;
  let orientation: Orientation = 1;
  for (let at = 2; ; ) {
    const next = nextMarker(bytes, at);
    if (!next) throw damaged('The JPEG ends before its picture begins.');
    const { marker, end: start } = next;
    at = start;
    if (isAlone(marker)) continue;
    if (marker === EOI || marker === SOI) throw damaged('The JPEG has no picture.');
    /** The length counts itself; libjpeg, too, takes less for an empty segment. */
    const length = Math.max(2, u16(bytes, start));
    at = start + length;
    if (at > bytes.length) throw damaged('The JPEG ends within its header.');
    const segment = bytes.subarray(start + 2, at);
    if (isFrame(marker)) {
      if (frame) throw damaged('The JPEG has two frames.');
      frame = readFrame(marker, segment);
    } else if (marker === APP1 && isExif(segment)) {
      orientation = exifOrientation(segment.subarray(6));
    } else if (marker === SOS) {
      if (!frame) throw damaged('The JPEG has a scan before its frame.');
      return header(frame, orientation, (segment[0] ?? 0) < frame.sampling.length, bytes, at);
    }
  }
}

function header(frame: Frame, orientation: Orientation, partial: boolean, bytes: Uint8Array, at: number): JpegHeader {
  const { width, height, sampling } = frame;
  const components = sampling.length;
  if (components === 4) {
    throw unsupported('The JPEG is in CMYK.', 'Convert it to an RGB JPEG or to PNG.');
  }
  if (components !== 1 && components !== 3) throw unsupported(`The JPEG has ${components} components.`);
  const inScans = frame.progressive || partial;
  if (inScans) checkScans(bytes, at);
  const coefficientBytes = inScans ? bytesOfCoefficients(frame) : 0;
  return { format: 'jpeg', width, height, components, orientation, coefficientBytes };
}

/** 16-bit coefficients of all blocks, each component padded to whole units (T.81, A.2.4). */
function bytesOfCoefficients({ width, height, sampling }: Frame): number {
  const across = Math.max(...sampling.map(([h]) => h));
  const down = Math.max(...sampling.map(([, v]) => v));
  const units = Math.ceil(width / (8 * across)) * Math.ceil(height / (8 * down));
  return sampling.reduce((bytes, [h, v]) => bytes + units * h * v * 64 * 2, 0);
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
  const components = segment[5] ?? 0;
  if (marker > 0xc2) {
    const arithmetic = marker >= 0xc9 && marker <= 0xcb;
    const process = arithmetic ? 'arithmetic-coded' : marker === 0xc3 ? 'lossless' : 'hierarchical or lossless';
    throw unsupported(`The JPEG is ${process}.`, 'Save it as a baseline or progressive JPEG, or as PNG.');
  }
  if (precision !== 8) {
    throw unsupported(`The JPEG has ${precision} bits a sample.`, 'Save it with 8 bits a sample.');
  }
  if (segment.length !== 6 + 3 * components) throw damaged('The frame header of the JPEG has a wrong length.');
  const height = u16(segment, 1);
  const width = u16(segment, 3);
  if (height === 0) throw unsupported('The JPEG does not say its height in its header.');
  if (width === 0 || components === 0) throw damaged('The JPEG says that it is empty.');
  const sampling = Array.from({ length: components }, (_, i) => {
    const factors = segment[7 + 3 * i] ?? 0;
    return [factors >> 4, factors & 15] as const;
  });
  if (sampling.some(([h, v]) => h < 1 || h > 4 || v < 1 || v > 4)) {
    throw damaged('The JPEG has impossible sampling factors.');
  }
  return { width, height, progressive: marker === 0xc2, sampling };
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

function isExif(segment: Uint8Array): boolean {
  return segment.length > 6 && String.fromCharCode(...segment.subarray(0, 6)) === 'Exif\0\0';
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
