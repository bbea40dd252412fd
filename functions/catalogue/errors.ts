import { ServiceError } from '../errors.ts';

export const unknownModel = (id: string, known: readonly string[]): ServiceError =>
  new ServiceError(
    'model-unknown',
    `There is no model "${id.slice(0, 63)}".`,
    known.length > 0 ? `Ask for one of: ${known.join(', ')}.` : 'Publish one under models/ and build again.',
  );

/** A cascade is asked for where one network has to answer: tensors, embeddings, versions and jobs are of one each. */
export const noSingleModel = (id: string, { first, second }: { first: string; second: string }): ServiceError =>
  new ServiceError(
    'model-unknown',
    `"${id}" is no model but a cascade of two, ${first} and ${second}: POST /classify/${id} alone answers by it.`,
    `Send the picture to POST /classify/${id}, or ask here for ${first} or ${second}.`,
  );

/** A file of a model folder is missing, short, altered or malformed: the deployment is at fault, not the caller. */
export const brokenModel = (id: string, file: string, why: string, cause?: unknown): ServiceError =>
  new ServiceError(
    'model-broken',
    `The model "${id}" cannot be loaded: ${file} ${why}.`,
    'Use another model; whoever deploys this service has to publish this one again.',
    { cause },
  );

/** @param asked what the address named: a revision in digits, or a label */
export const unknownVersion = (id: string, asked: string, known: readonly string[]): ServiceError =>
  new ServiceError(
    'model-unknown',
    `There is no version ${asked.slice(0, 20)} of "${id}".`,
    `Ask for one of: ${known.join(', ')}; or for none.`,
  );
