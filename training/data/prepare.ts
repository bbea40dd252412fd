import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ModelInput } from '../../functions/catalogue/manifest.ts';
import { ServiceError } from '../../functions/errors.ts';
import { damaged } from '../../functions/image/errors.ts';
import { MAX_PIXELS } from '../../functions/image/header.ts';
import { type Codecs, preprocess, preprocessRaster } from '../../functions/image/preprocess.ts';
import { MemoryBudget } from '../../functions/memory-budget.ts';

/** Decoding is bounded here as at the edge, only by more. */
const DECODER_BYTES = 2 ** 30;

/** A picture's file → the model's input, uint8 `[height, width, channels]`. */
export type Prepare = (file: Uint8Array) => Promise<Uint8Array>;

/** A picture that cannot be used, and why. */
export interface Skipped {
  readonly name: string;
  readonly why: string;
}

/**
 * Prepares pictures by the code that prepares them at the edge, so that a network learns from the pixels that it will
 * be served.
 * @returns a function that throws ServiceError where a file is no picture that can be read
 */
export function preparer(input: ModelInput): Prepare {
  const codecs: Codecs = { jpeg: jpegModule() };
  const budget = new MemoryBudget(DECODER_BYTES);
  return async (file) => {
    if (file.length === 0) throw damaged('The file is empty.');
    return isWebp(file) ? prepareWebp(file, input) : preprocess(file, input, codecs, budget);
  };
}

/** @returns what `prepare` gives, or why it gives nothing. */
export async function prepareOrSkip(prepare: Prepare, name: string, file: Uint8Array): Promise<Uint8Array | Skipped> {
  try {
    return await prepare(file);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return { name, why: error.what };
  }
}

function isWebp(file: Uint8Array): boolean {
  const text = (from: number) => String.fromCharCode(...file.subarray(from, from + 4));
  return text(0) === 'RIFF' && text(8) === 'WEBP';
}

/** Decoded by libwebp, upright and laid over white; from there on as any other picture. */
async function prepareWebp(file: Uint8Array, input: ModelInput): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  const decoded = await sharp(file, { limitInputPixels: MAX_PIXELS })
    .rotate()
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch((error: unknown) => {
      throw damaged(`The WebP cannot be decoded: ${error instanceof Error ? error.message : error}.`, error);
    });
  const { width, height } = decoded.info;
  return preprocessRaster({ width, height, channels: 3, data: new Uint8Array(decoded.data) }, input);
}

function jpegModule(): WebAssembly.Module {
  const file = path.join(import.meta.dirname, '../../functions/image/jpeg/build/decoder.wasm');
  return new WebAssembly.Module(readFileSync(file));
}
