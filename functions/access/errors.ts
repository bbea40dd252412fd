import { noDatabase, ServiceError } from '../errors.ts';

export function unauthorized(what: string, todo: string, cause?: unknown): ServiceError {
  return new ServiceError('unauthorized', what, todo, { cause });
}

export const noCredentials = (): ServiceError =>
  unauthorized(
    'This address asks for a key.',
    'Send one as "Authorization: Bearer <key>" or "x-api-key: <key>"; whoever runs this service makes them.',
  );

/** The same whether there is no such key or its secret is another: nobody learns which ids there are. */
export const unknownKey = (): ServiceError =>
  unauthorized('The key is not known here.', 'Check that it is whole, or ask for a new one.');

export const refusedToken = (why: string, cause?: unknown): ServiceError =>
  unauthorized(`The token is refused: ${why}.`, 'Get a new one from whoever gave it out.', cause);

/** Nobody is let in, and nothing answered, that cannot be looked up or counted. */
export function databaseAway(cause: unknown): never {
  throw noDatabase('The database of keys and quotas cannot be asked.', cause);
}
