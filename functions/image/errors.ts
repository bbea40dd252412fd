import { ServiceError } from '../errors.ts';
import type { MemoryBudget } from '../memory-budget.ts';

/** A valid picture, perhaps, but of a kind that is not read here. */
export function unsupported(what: string, todo = 'Send a JPEG, PNG, WebP, AVIF or GIF.'): ServiceError {
  return new ServiceError('image-unsupported', what, todo);
}

/** Cut short, or at odds with its own format. */
export function damaged(what: string, cause?: unknown): ServiceError {
  return new ServiceError('image-damaged', what, 'Send the file again, or save it anew with another program.', {
    cause,
  });
}

export function tooLarge(what: string, todo: string): ServiceError {
  return new ServiceError('image-too-large', what, todo);
}

/** Refuses what no waiting could make room for. */
export function fitsAtAll(bytes: number, budget: MemoryBudget): void {
  if (bytes <= budget.totalBytes) return;
  throw tooLarge(
    `Decoding the picture takes up to ${Math.ceil(bytes / 1e6)} MB; there are ${Math.floor(budget.totalBytes / 1e6)} MB.`,
    'Scale it down, or save it as a baseline JPEG, which is read at any size.',
  );
}
