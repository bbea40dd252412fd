import factory from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js';
import type { MemoryBudget } from '../../memory-budget.ts';
import { damaged, fitsAtAll } from '../errors.ts';
import type { Raster } from '../rows.ts';
import { type Stored, upright } from '../upright.ts';
import type { JpegHeader } from './markers.ts';

/** MozJPEG as jSquash builds it; its memory grows and never shrinks. */
interface Codec {
  readonly HEAPU8: Uint8Array;
  /** @returns RGBA; throws where libjpeg gives up, and is of no use from then on */
  decode(bytes: Uint8Array, preserveOrientation: boolean): Omit<Stored, 'channels'> | null;
}

interface Options {
  readonly instantiateWasm: (imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) => unknown;
  readonly printErr: (line: string) => void;
}

const createCodec = factory as unknown as (options: Options) => Promise<Codec>;

/** What a fresh instance takes. */
const INITIAL_BYTES = 16_908_288;
/** Of which are already in use: stack, tables, allocator. */
const OVERHEAD_BYTES = 1_000_000;
/** How long a picture waits for the memory that decoding it takes. */
export const WAIT_MS = 5_000;
/** Rows of samples that libjpeg keeps while it upsamples, in bytes for each pixel of width. */
const ROW_BYTES = 128;
/** Warnings of libjpeg that leave the picture whole. It says no more than the first. */
const HARMLESS = /extraneous bytes before marker|unknown JFIF|unknown Adobe/i;

/** Most bytes of WebAssembly memory that decoding takes; Emscripten grows it by a fifth more than it needs. */
function codecBytes({ width, height, coefficientBytes }: JpegHeader, fileBytes: number): number {
  const inside = OVERHEAD_BYTES + 2 * fileBytes + 4 * width * height + coefficientBytes + ROW_BYTES * width;
  return Math.max(INITIAL_BYTES, Math.ceil(1.2 * inside));
}

/**
 * Decodes with one instance, which is kept, since memory that is let go stays in use until it is collected. What it
 * holds stays reserved until another needs that memory. Decoding itself is synchronous: pictures do not add up.
 */
export class JpegDecoder {
  readonly #module: WebAssembly.Module;
  readonly #budget: MemoryBudget;
  #kept: Instance | undefined;
  #heldBytes = 0;
  #release = () => {};

  constructor(module: WebAssembly.Module, budget: MemoryBudget) {
    this.#module = module;
    this.#budget = budget;
    budget.onShortage(() => this.#drop());
  }

  /**
   * @param extraBytes what `use` takes
   * @param use gets the upright picture
   * @throws ServiceError `image-damaged`, `image-too-large` or `busy`
   */
  async decode<T>(bytes: Uint8Array, header: JpegHeader, extraBytes: number, use: (raster: Raster) => T): Promise<T> {
    const inside = codecBytes(header, bytes.length);
    const outside = (4 + header.components) * header.width * header.height + extraBytes;
    fitsAtAll(inside + outside, this.#budget);
    const release = await this.#reserve(inside, outside);
    try {
      const instance = this.#kept ?? (await instantiate(this.#module));
      return use(this.#run(instance, bytes, header));
    } finally {
      release();
      this.#hold();
    }
  }

  /** What the kept instance holds need not be reserved again, if it is still kept when the wait is over. */
  async #reserve(inside: number, outside: number): Promise<() => void> {
    for (;;) {
      const growth = Math.max(0, inside - this.#heldBytes);
      const release = await this.#budget.reserve(growth + outside, { timeoutMs: WAIT_MS });
      if (inside - this.#heldBytes <= growth) return release;
      release();
    }
  }

  #run(instance: Instance, bytes: Uint8Array, header: JpegHeader): Raster {
    const { codec, complaints } = instance;
    complaints.length = 0;
    let stored: Omit<Stored, 'channels'> | null;
    try {
      stored = codec.decode(bytes, false);
    } catch (error) {
      if (instance === this.#kept) this.#drop();
      throw damaged(`The JPEG is damaged (${complaints.at(-1) ?? 'it cannot be decoded'}).`, error);
    }
    this.#kept ??= instance;
    const complaint = complaints.find((line) => !HARMLESS.test(line));
    if (!stored || complaint) throw damaged(`The JPEG is damaged or cut short (${complaint ?? 'it has no picture'}).`);
    if (stored.width !== header.width || stored.height !== header.height) throw damaged('The JPEG has two sizes.');
    return upright({ ...stored, channels: 4 }, header.components, header.orientation);
  }

  /** Reserves what the kept instance has grown to. */
  #hold(): void {
    this.#release();
    this.#heldBytes = this.#kept?.codec.HEAPU8.length ?? 0;
    const release = this.#budget.tryReserve(this.#heldBytes);
    if (release) this.#release = release;
    else this.#drop();
  }

  #drop(): void {
    this.#kept = undefined;
    this.#release();
    this.#release = () => {};
    this.#heldBytes = 0;
  }
}

interface Instance {
  readonly codec: Codec;
  /** What libjpeg has to say of the picture at hand. */
  readonly complaints: string[];
}

async function instantiate(module: WebAssembly.Module): Promise<Instance> {
  const complaints: string[] = [];
  const codec = await createCodec({
    instantiateWasm: (imports, done) => {
      const instance = new WebAssembly.Instance(module, imports);
      done(instance);
      return instance.exports;
    },
    printErr: (line) => complaints.push(line),
  });
  return { codec, complaints };
}
