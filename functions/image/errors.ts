import { ServiceError } from '../errors.ts';

/** A valid picture, perhaps, but of a kind that is not read here. */
export function unsupported(what: string, todo = 'Send a PNG, or a JPEG in RGB or grey.'): ServiceError {
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
