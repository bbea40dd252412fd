import { asciiOf } from '../../bytes.ts';
import { damaged } from '../errors.ts';

/** A box of the ISO base media format (ISO/IEC 14496-12, 4.2): what it holds lies in `bytes[start…end]`. */
export interface Box {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

export const cut = () => damaged('The boxes of the AVIF are damaged or cut short.');

/** Reads numbers from the highest byte on, and never past `end`. */
export class Reader {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, { start, end }: Pick<Box, 'start' | 'end'>) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  /** @param length bytes of the number, up to 8; those beyond 2^53 are in no file */
  uint(length: number): number {
    if (this.at + length > this.end) throw cut();
    let value = 0;
    for (let i = 0; i < length; i++) value = value * 256 + (this.bytes[this.at++] as number);
    return value;
  }

  text(length: number): string {
    if (this.at + length > this.end) throw cut();
    this.at += length;
    return asciiOf(this.bytes, this.at - length, this.at);
  }

  /** Of a full box. */
  version(): number {
    const version = this.uint(1);
    this.at += 3;
    return version;
  }
}

/** Each takes at least 8 bytes, so that their number is bounded by the file's length. @throws ServiceError */
export function* boxesIn(bytes: Uint8Array, { start, end }: Pick<Box, 'start' | 'end'>): Generator<Box> {
  for (let at = start; at + 8 <= end; ) {
    const reader = new Reader(bytes, { start: at, end });
    const short = reader.uint(4);
    const type = reader.text(4);
    const size = short === 1 ? reader.uint(8) : short === 0 ? end - at : short;
    if (size < reader.at - at || at + size > end) throw cut();
    yield { type, start: reader.at, end: at + size };
    at += size;
  }
}

/** @throws ServiceError where it is missing */
export function boxIn(bytes: Uint8Array, parent: Pick<Box, 'start' | 'end'>, type: string): Box {
  for (const box of boxesIn(bytes, parent)) if (box.type === type) return box;
  throw cut();
}
