/** Whose jobs and secrets are meant where access is off: there is only one then. */
export const NOBODY = 'nobody';

/**
 * Who owns what a caller makes: the key, also where a token of it asks; else the caller itself.
 * @param caller a `Caller`, or nobody where access is off
 */
export const ownerOf = (caller: { readonly id: string; readonly key?: { readonly id: string } } | undefined): string =>
  caller === undefined ? NOBODY : caller.key ? `key:${caller.key.id}` : caller.id;
