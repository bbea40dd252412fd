import { tooLarge, unsupported } from '../errors.ts';
import type { Size } from '../resize.ts';
import { TABLE_BYTES } from './huffman.ts';
import type { FrameComponent, JpegHeader } from './markers.ts';
import { keptPlaces } from './zigzag.ts';

/** Samples a side that each block of the finest component becomes, of 8. */
export type Side = 1 | 2 | 4 | 8;

/** A component and where its parts lie in the kernel's memory; see `assembly/component.ts`. */
export interface PlannedComponent extends FrameComponent {
  readonly side: Side;
  readonly last: number;
  readonly plane: number;
  readonly stride: number;
  readonly blocksAcross: number;
  readonly ownAcross: number;
  readonly ownDown: number;
  readonly coefficients: number;
  readonly history: number;
  readonly width: number;
  readonly height: number;
  readonly expandX: number;
  readonly expandY: number;
  readonly fancy: boolean;
  readonly line: number;
}

export interface Plan {
  readonly side: Side;
  /** Of the rows that come out. */
  readonly output: Size;
  readonly unitsAcross: number;
  readonly unitsDown: number;
  /** Output rows of a row of units. */
  readonly unitRows: number;
  readonly components: readonly PlannedComponent[];
  /** The row that comes out. */
  readonly line: number;
  /** What has to be zero when the first scan begins: from here to the end. */
  readonly zeroed: number;
  readonly totalBytes: number;
}

export const COMPONENTS = 1024;
export const COMPONENT_BYTES = 128;
export const SCAN = 2048;
/** Where in a block goes what is not kept: behind the largest one, as the next block may be of another side. */
const NOT_KEPT = 128;
const PLACES = 2560;
const PLACE_ENTRIES = 80;
export const placesAt = (side: Side) => PLACES + Math.log2(side) * PLACE_ENTRIES * 2;
export const quantizersAt = (component: number) => 4096 + component * 128;
export const tableAt = (key: number) => 8192 + key * TABLE_BYTES;
export const INPUT = 65_536;
export const INPUT_BYTES = 65_536;
/** That come out: a bound on the work that a few bytes can ask for. */
const MAX_PIXELS = 2 ** 26;
const DYNAMIC = INPUT + INPUT_BYTES + 16;

/** Up to here all samples are made: it costs little, and the reduction of a small picture shows. */
const SMALL_PIXELS = 2 ** 19;

/** The smallest side at which the reduced picture is no smaller than `target`. */
export function sideFor({ width, height }: Size, target: Size): Side {
  if (width * height <= SMALL_PIXELS) return 8;
  const sides: readonly Side[] = [1, 2, 4];
  return sides.find((side) => width * side >= target.width * 8 && height * side >= target.height * 8) ?? 8;
}

/**
 * Where everything lies, from the header alone.
 * @throws ServiceError where samples of components do not lie on whole pixels, which libjpeg does not read either
 */
export function planOf(header: JpegHeader, side: Side): Plan {
  const { width, height, components, inScans, progressive } = header;
  const most = { across: max(components, 'across'), down: max(components, 'down') };
  const unitsAcross = Math.ceil(width / (8 * most.across));
  const unitsDown = Math.ceil(height / (8 * most.down));
  const output = { width: Math.ceil((width * side) / 8), height: Math.ceil((height * side) / 8) };
  if (output.width * output.height > MAX_PIXELS) {
    throw tooLarge(`The picture is ${width}x${height}, too large even when it is reduced.`, 'Scale it down.');
  }
  let at = DYNAMIC;
  const allocate = (bytes: number) => {
    const start = at;
    at += Math.ceil((bytes + 32) / 16) * 16;
    return start;
  };
  const line = allocate(output.width * 3 + 64);
  const planned = components.map((component) => {
    const { across, down } = component;
    const own = sideOf(component, most, side);
    const expandX = (most.across * side) / (across * own);
    const expandY = (most.down * side) / (down * own);
    if (!Number.isInteger(expandX) || !Number.isInteger(expandY)) {
      throw unsupported('The JPEG has components of odd sampling.', 'Save it with 4:4:4 or 4:2:0 sampling.');
    }
    const samples = {
      width: Math.ceil((width * across * own) / (most.across * 8)),
      height: Math.ceil((height * down * own) / (most.down * 8)),
    };
    const stride = Math.ceil((unitsAcross * across * own) / 16) * 16 + 16;
    const wide = expandX === 2 && expandY <= 2 && samples.width > 2;
    return {
      ...component,
      side: own,
      last: keptPlaces(own).findLastIndex((place) => place >= 0),
      stride,
      plane: allocate(2 * down * own * stride),
      blocksAcross: unitsAcross * across,
      ownAcross: Math.ceil((width * across) / (most.across * 8)),
      ownDown: Math.ceil((height * down) / (most.down * 8)),
      ...samples,
      expandX,
      expandY,
      fancy: side > 1 && (wide || (expandX === 1 && expandY === 2)),
      line: allocate(samples.width * Math.max(expandX, 4) + 256),
    };
  });
  const zeroed = at;
  const withCoefficients = planned.map((component) => {
    const blocks = component.blocksAcross * unitsDown * component.down;
    return {
      ...component,
      coefficients: inScans ? allocate(blocks * component.side ** 2 * 2) : 0,
      history: progressive && component.side > 1 ? allocate(blocks * 8) : 0,
    };
  });
  return {
    side,
    output,
    unitsAcross,
    unitsDown,
    unitRows: most.down * side,
    components: withCoefficients,
    line,
    zeroed,
    totalBytes: at,
  };
}

const max = (components: readonly FrameComponent[], key: 'across' | 'down') =>
  Math.max(...components.map((component) => component[key]));

/** A component of fewer samples is reduced less, as in libjpeg, so that it need not be enlarged again. */
function sideOf({ across, down }: FrameComponent, most: { across: number; down: number }, side: Side): Side {
  let own = side;
  while (own < 8 && (most.across * side) % (across * own * 2) === 0 && (most.down * side) % (down * own * 2) === 0) {
    own = (own * 2) as Side;
  }
  return own;
}

const FIELDS = [
  ...['across', 'down', 'side', 'place', 'last', 'dc', 'ac', 'predicted', 'quantizers', 'plane', 'stride'],
  ...['blocksAcross', 'ownAcross', 'ownDown', 'coefficients', 'history', 'width', 'height', 'expandX', 'expandY'],
  ...['fancy', 'line'],
] as const;

/** Writes what the kernel has to know of the components, and clears what scans add up in. */
export function writePlan({ components, zeroed, totalBytes }: Plan, memory: ArrayBufferLike): void {
  for (const side of [1, 2, 4, 8] as const) {
    const places = new Uint16Array(memory, placesAt(side), PLACE_ENTRIES).fill(NOT_KEPT);
    for (const [i, place] of keptPlaces(side).entries()) if (place >= 0) places[i] = 2 * place;
  }
  for (const [i, component] of components.entries()) {
    const record: Readonly<Record<string, unknown>> = {
      ...component,
      place: placesAt(component.side),
      quantizers: quantizersAt(i),
    };
    const view = new Int32Array(memory, COMPONENTS + i * COMPONENT_BYTES, FIELDS.length);
    for (const [f, field] of FIELDS.entries()) view[f] = Number(record[field] ?? 0);
  }
  new Uint8Array(memory, zeroed, totalBytes - zeroed).fill(0);
}
