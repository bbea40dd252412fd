import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ModelInput } from '../../functions/catalogue/manifest.ts';
import { ServiceError } from '../../functions/errors.ts';
import { damaged } from '../../functions/image/errors.ts';
import { type Codecs, preprocess } from '../../functions/image/preprocess.ts';
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
  const codecs: Codecs = { jpeg: decoder('jpeg'), webp: decoder('webp'), avif: decoder('avif') };
  const budget = new MemoryBudget(DECODER_BYTES);
  return async (file) => {
    if (file.length === 0) throw damaged('The file is empty.');
    return preprocess(file, input, codecs, budget);
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

function decoder(format: 'jpeg' | 'webp' | 'avif'): WebAssembly.Module {
  const file = path.join(import.meta.dirname, `../../functions/image/${format}/build/decoder.wasm`);
  return new WebAssembly.Module(readFileSync(file));
}
