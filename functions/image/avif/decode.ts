import factory from '@jsquash/avif/codec/dec/avif_dec.js';
import type { MemoryBudget } from '../../memory-budget.ts';
import { SquashDecoder, type SquashPicture } from '../squash.ts';
import type { AvifHeader } from './header.ts';

/** Bits a sample that it hands out. */
const DEPTH = 8;

export const avifDecoder = (module: WebAssembly.Module, budget: MemoryBudget): SquashDecoder =>
  new SquashDecoder('AVIF', { module, factory, more: [DEPTH] }, budget);

/** RGBA and the frames of the AV1 decoder, which have 16 bits a sample; those of tiles are let go one after the other. */
export function avifPicture({ width, height, alpha, tiled, chroma, file }: AvifHeader): SquashPicture {
  const perPixel = tiled ? 12 + (alpha ? 4 : 0) : 16.5 + 2 * chroma + (alpha ? 14 : 0);
  return { width, height, file, memoryBytes: 14_000_000 + 2 * file.length + perPixel * width * height };
}
