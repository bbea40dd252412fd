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
 * Decodes one picture at a time with one instance. It is kept, since memory that is let go stays in use until it is
 * collected, and what it holds stays reserved, until another needs that memory.
 */
export class JpegDecoder {
  readonly #module: WebAssembly.Module;
  readonly #budget: MemoryBudget;
  #instance: Instance | undefined;
  /** Of the instance's memory, between two pictures. */
  #release = () => {};
  #heldBytes = 0;
  #busy = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(module: WebAssembly.Module, budget: MemoryBudget) {
    this.#module = module;
    this.#budget = budget;
    budget.onShortage(() => {
      if (!this.#busy) this.#drop();
    });
  }

  /**
   * @param extraBytes what `use` takes
   * @param use gets the upright picture
   * @throws ServiceError `image-damaged`, `image-too-large` or `busy`
   */
  async decode<T>(
    bytes: Uint8Array,
    header: JpegHeader,
    extraBytes: number,
    waitMs: number,
    use: (raster: Raster) => T,
  ): Promise<T> {
    const deadline = Date.now() + waitMs;
    const before = this.#turn;
    let done = () => {};
    this.#turn = new Promise((resolve) => {
      done = resolve;
    });
    await before;
    this.#busy = true;
    try {
      const release = await this.#reserve(header, bytes.length, extraBytes, deadline - Date.now());
      try {
        return use(await this.#decode(bytes, header));
      } finally {
        release();
        this.#hold();
      }
    } finally {
      this.#busy = false;
      done();
    }
  }

  /** What the kept instance already holds need not be reserved again. */
  async #reserve(header: JpegHeader, fileBytes: number, extraBytes: number, waitMs: number): Promise<() => void> {
    const inside = codecBytes(header, fileBytes);
    const outside = (4 + header.components) * header.width * header.height + extraBytes;
    fitsAtAll(inside + outside, this.#budget);
    const growth = Math.max(0, inside - this.#heldBytes);
    if (growth + outside > this.#budget.freeBytes) this.#drop();
    return this.#budget.reserve(outside + Math.max(0, inside - this.#heldBytes), { timeoutMs: Math.max(0, waitMs) });
  }

  async #decode(bytes: Uint8Array, header: JpegHeader): Promise<Raster> {
    this.#instance ??= await instantiate(this.#module);
    try {
      const stored = run(this.#instance, bytes);
      if (stored.width !== header.width || stored.height !== header.height) throw damaged('The JPEG has two sizes.');
      return upright({ ...stored, channels: 4 }, header.components, header.orientation);
    } catch (error) {
      this.#drop();
      throw error;
    }
  }

  #hold(): void {
    this.#release();
    this.#heldBytes = this.#instance?.codec.HEAPU8.length ?? 0;
    const release = this.#budget.tryReserve(this.#heldBytes);
    if (release) this.#release = release;
    else this.#drop();
  }

  #drop(): void {
    this.#instance = undefined;
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

function run({ codec, complaints }: Instance, bytes: Uint8Array): Omit<Stored, 'channels'> {
  complaints.length = 0;
  try {
    const stored = codec.decode(bytes, false);
    const complaint = complaints.find((line) => !HARMLESS.test(line));
    if (stored && complaint === undefined) return stored;
    throw damaged(`The JPEG is damaged or cut short: ${complaint ?? 'it cannot be decoded'}.`);
  } catch (error) {
    if (complaints.length > 0) throw damaged(`The JPEG is damaged: ${complaints.at(-1)}.`, error);
    throw damaged('The JPEG is damaged: it cannot be decoded.', error);
  }
}
