import type { Manifest } from '../catalogue/manifest.ts';
import { ServiceError } from '../errors.ts';
import type { AnswerOptions } from './answer-of.ts';
import type { Activation } from './scores.ts';

/** Models whose classes do not exclude each other: each class has a score and a threshold of its own. */
export const isMultilabel = ({ task }: Pick<Manifest, 'task'>): boolean => task === 'multilabel';

/** What its scores are, where a caller does not say. */
export const activationOf = (manifest: Pick<Manifest, 'task'>): Activation =>
  isMultilabel(manifest) ? 'sigmoid' : 'softmax';

/**
 * The classes that reach their thresholds; undefined where classes exclude each other.
 * @param scores sigmoids `[classes]`
 */
export function namedClasses({ output }: Manifest, scores: Float32Array): ReadonlySet<number> | undefined {
  const { thresholds } = output;
  return thresholds && new Set(Array.from(scores.keys()).filter((c) => (scores[c] ?? 0) >= (thresholds[c] ?? 1)));
}

const EXCLUSIVE = [
  ['rollup', 'rollup'],
  ['within', 'within'],
  ['coverage', 'coverage'],
  ['rejectUnknown', 'reject_unknown'],
] as const;

/** @throws ServiceError `option-unavailable` for what only a choice of one class among all has */
export function mustSuitMultilabel({ id }: Manifest, options: AnswerOptions): void {
  const asked = EXCLUSIVE.filter(([option]) => options[option] !== undefined && options[option] !== false);
  if (asked.length === 0) return;
  const names = asked.map(([, name]) => name);
  throw new ServiceError(
    'option-unavailable',
    `The classes of "${id}" do not exclude each other, and ${names.join(', ')} is for classes that do.`,
    'Ask for top_k, min_score and labels: without min_score each class has its own threshold (GET /models/{id}).',
    { fields: names.map((name) => ({ detail: 'is for classes that exclude each other', pointer: `#/${name}` })) },
  );
}
