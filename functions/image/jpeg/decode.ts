import factory from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js';
import type { MemoryBudget } from '../../memory-budget.ts';
import { damaged } from '../errors.ts';
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

/** Most bytes that decoding holds: WebAssembly memory, its RGBA copy and the upright picture. */
export function jpegBytes({ width, height, components, coefficientBytes }: JpegHeader, fileBytes: number): number {
  const pixels = width * height;
  const inside = OVERHEAD_BYTES + 2 * fileBytes + 4 * pixels + coefficientBytes + ROW_BYTES * width;
  /** Emscripten grows by a fifth more than it needs. */
  return Math.max(INITIAL_BYTES, 1.2 * inside) + (4 + components) * pixels;
}

/** Decodes with one kept instance; a larger or broken one is dropped, and with it its memory. */
export class JpegDecoder {
  readonly #module: WebAssembly.Module;
  readonly #budget: MemoryBudget;
  #kept: { readonly codec: CodecInstance; readonly release: () => void } | undefined;

  constructor(module: WebAssembly.Module, budget: MemoryBudget) {
    this.#module = module;
    this.#budget = budget;
    budget.onShortage(() => this.#take());
  }

  /**
   * The caller has reserved {@link jpegBytes}.
   * @throws ServiceError `image-damaged`
   */
  async decode(bytes: Uint8Array, header: JpegHeader): Promise<Raster> {
    const instance = this.#take() ?? (await instantiate(this.#module));
    const stored = run(instance, bytes);
    if (stored.width !== header.width || stored.height !== header.height) throw damaged('The JPEG has two sizes.');
    this.#keep(instance);
    return upright({ ...stored, channels: 4 }, header.components, header.orientation);
  }

  #take(): CodecInstance | undefined {
    const kept = this.#kept;
    this.#kept = undefined;
    kept?.release();
    return kept?.codec;
  }

  #keep(codec: CodecInstance): void {
    if (this.#kept || codec.codec.HEAPU8.length > INITIAL_BYTES) return;
    const release = this.#budget.tryReserve(INITIAL_BYTES);
    if (release) this.#kept = { codec, release };
  }
}

interface CodecInstance {
  readonly codec: Codec;
  /** What libjpeg has to say of the picture at hand. */
  readonly complaints: string[];
}

async function instantiate(module: WebAssembly.Module): Promise<CodecInstance> {
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

function run({ codec, complaints }: CodecInstance, bytes: Uint8Array): Omit<Stored, 'channels'> {
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
