import factory from '@jsquash/webp/codec/dec/webp_dec.js';
import type { MemoryBudget } from '../../memory-budget.ts';
import { SquashDecoder, type SquashPicture } from '../squash.ts';
import type { WebpHeader } from './container.ts';

export const webpDecoder = (module: WebAssembly.Module, budget: MemoryBudget): SquashDecoder =>
  new SquashDecoder('WebP', { module, factory }, budget);

/** RGBA; beside it the plane of alpha and what it is unpacked to, or all of a lossless picture once more. */
export function webpPicture({ frame: { width, height }, lossless, alpha, still }: WebpHeader): SquashPicture {
  const perPixel = 4 + (lossless ? 4 : alpha ? 2.25 : 0);
  return {
    width,
    height,
    file: still,
    memoryBytes: 3_000_000 + 2 * still.length + 512 * width + perPixel * width * height,
  };
}
