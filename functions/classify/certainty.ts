import type { Entry } from '../catalogue/catalogue.ts';
import { coverageIndex, LEAST_COVERAGE, MOST_COVERAGE } from '../catalogue/certainty.ts';
import { ServiceError } from '../errors.ts';
import { noveltyOf } from '../runtime/novelty.ts';
import type { Answer } from './answer.ts';
import { best, logitsOf, rank } from './scores.ts';

/**
 * Whether the first two classes are so near that integers may have exchanged them; null where that was not measured.
 * @param output of the network, `[classes]`
 * @param among the classes to choose from, where they are not all
 */
export function isNearTie({ manifest }: Entry, output: Float32Array, among?: ReadonlySet<number>): boolean | null {
  const { nearTie } = manifest.certainty ?? {};
  if (!nearTie) return null;
  let [first, second] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const [index, logit] of logitsOf(output, manifest.output.kind).entries()) {
    if (among && !among.has(index)) continue;
    if (logit > first) [first, second] = [logit, first];
    else if (logit > second) second = logit;
  }
  return first - second <= nearTie.margin;
}

/**
 * Whether no class fits; null where no threshold was fitted.
 * @param novelty where prototypes told it
 */
export function unknownOf({ manifest }: Entry, output: Float32Array, novelty: number | undefined): Answer['unknown'] {
  const { unknown } = manifest.certainty ?? {};
  if (!unknown) return null;
  const { method, threshold } = unknown;
  const score = method === 'prototype' ? novelty : noveltyOf(logitsOf(output, manifest.output.kind), method);
  return score === undefined ? null : { score: Math.fround(score), is_unknown: Math.fround(score) > threshold };
}

/**
 * The smallest set of labels that holds the true one as often as is asked for (split conformal prediction with the
 * least ambiguous sets, Sadinle et al. 2019, arXiv 1609.00451). It is never empty, so where the first label is right
 * more often than that, it covers more.
 * @param scores probabilities `[classes]`
 * @throws ServiceError `option-unavailable` where no thresholds were fitted
 */
export function labelSet(
  { manifest, labels }: Entry,
  scores: Float32Array,
  coverage: number,
): NonNullable<Answer['label_set']> {
  const { conformal } = manifest.certainty ?? {};
  const threshold = conformal?.thresholds[coverageIndex(coverage)];
  if (!conformal || threshold === undefined) {
    throw notMeasured(manifest.id, 'coverage', `Ask for ${LEAST_COVERAGE} to ${MOST_COVERAGE} of a model that has it`);
  }
  const first = best(scores);
  const inside = new Set(Array.from(scores.keys()).filter((c) => c === first || (scores[c] ?? 0) >= threshold));
  return { coverage, labels: rank(scores, labels, { topK: inside.size, minScore: 0, among: inside }) };
}

export function notMeasured(id: string, option: string, todo = `Ask without ${option}`): ServiceError {
  return new ServiceError(
    'option-unavailable',
    `What "${id}" needs for ${option} was not measured.`,
    `${todo}; GET /models/{id} says under certainty what was.`,
    { fields: [{ detail: 'is not known of this model', pointer: `#/${option}` }] },
  );
}
