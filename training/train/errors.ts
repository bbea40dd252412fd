/** Training cannot begin or go on, for a reason that the user can do something about. */
export class TrainingError extends Error {
  override readonly name = 'TrainingError';
}
