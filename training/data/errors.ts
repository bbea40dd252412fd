/** Anything wrong with a data set that a user can put right: says what, where and what to do. */
export class DataError extends Error {
  override readonly name = 'DataError';
}
