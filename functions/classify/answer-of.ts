import type { Entry } from '../catalogue/catalogue.ts';
import type { Manifest } from '../catalogue/manifest.ts';
import { ServiceError } from '../errors.ts';
import type { Answer } from './answer.ts';
import type { Output } from './answer-cache.ts';
import { isNearTie, labelSet, notMeasured, unknownOf } from './certainty.ts';
import { groupNamed, groupScores } from './groups.ts';
import { isMultilabel, mustSuitMultilabel, namedClasses } from './multilabel.ts';
import { activated, positionsOf, probabilities, rank } from './scores.ts';

/** What a caller may ask of an answer. */
export interface AnswerOptions {
  readonly topK: number | undefined;
  readonly minScore: number | undefined;
  /** Labels or synsets of the classes to choose from. */
  readonly labels?: readonly string[] | undefined;
  /** Say also what it is in wider terms. */
  readonly rollup?: boolean | undefined;
  /** A group: choose from its classes, whose scores are brought to a sum of 1. */
  readonly within?: string | undefined;
  /** Name nothing where nothing fits. */
  readonly rejectUnknown?: boolean | undefined;
  /** Say also the smallest set of labels that holds the true one so often. */
  readonly coverage?: number | undefined;
}

/** How many classes an answer has where the caller does not say. */
const DEFAULT_TOP_K = 5;

/**
 * What a network puts out for a picture, as an answer.
 * @param output logits or softmax as the manifest says
 * @throws ServiceError `bad-option`, or `option-unavailable` where the model has not what is asked for
 */
export function answerOf(entry: Entry, { scores: output, novelty }: Output, options: AnswerOptions): Answer {
  const { manifest, labels } = entry;
  if (isMultilabel(manifest)) return labelsOf(entry, output, options);
  const { topK = DEFAULT_TOP_K, minScore = 0, coverage } = options;
  const named = options.labels && positionsOf(options.labels, labels);
  const group = options.within === undefined ? undefined : groupNamed(options.within, entry);
  if (coverage !== undefined && (named || group)) throw ofAllClasses();
  const { kind, temperature } = manifest.output;
  const all = probabilities(output, kind, temperature);
  const scores = group ? withinGroup(output, manifest.output, group.classes) : all;
  const among = group && new Set(group.classes.filter((index) => !named || named.has(index)));
  const ranking = { topK, minScore, among: among ?? named };
  const set = coverage === undefined ? undefined : labelSet(entry, all, coverage);
  const groups = options.rollup ? groupScores(scores, entry, ranking) : undefined;
  const unknown = unknownOf(entry, output, novelty);
  if (options.rejectUnknown && !unknown) throw notMeasured(manifest.id, 'reject_unknown');
  const rejected = options.rejectUnknown === true && unknown?.is_unknown === true;
  return {
    predictions: rejected ? [] : rank(scores, labels, ranking),
    ...(groups && { groups: rejected ? [] : groups }),
    ...(set && { label_set: rejected ? { ...set, labels: [] } : set }),
    near_tie: isNearTie(entry, output, ranking.among),
    unknown,
    model: identityOf(manifest),
  };
}

/** All classes that reach their thresholds, or the least score that was asked for in their place. */
function labelsOf({ manifest, labels }: Entry, output: Float32Array, options: AnswerOptions): Answer {
  mustSuitMultilabel(manifest, options);
  const { topK = manifest.classes, minScore } = options;
  const scores = activated(output, manifest.output, 'sigmoid');
  const wanted = options.labels && positionsOf(options.labels, labels);
  const reached = minScore === undefined ? namedClasses(manifest, scores) : undefined;
  const among = reached && wanted ? new Set([...reached].filter((index) => wanted.has(index))) : (reached ?? wanted);
  return {
    predictions: rank(scores, labels, { topK, minScore: minScore ?? 0, among }),
    near_tie: null,
    unknown: null,
    model: identityOf(manifest),
  };
}

/** Softmax over some of the classes alone; 0 for all others. */
function withinGroup(output: Float32Array, { kind, temperature }: Manifest['output'], classes: readonly number[]) {
  const inside = probabilities(
    Float32Array.from(classes, (index) => output[index] ?? 0),
    kind,
    temperature,
  );
  const sum = inside.reduce((a, b) => a + b, 0);
  const scores = new Float32Array(output.length);
  for (const [at, index] of classes.entries()) scores[index] = sum > 0 ? (inside[at] ?? 0) / sum : 1 / classes.length;
  return scores;
}

export const identityOf = ({ id, version, revision }: Manifest): Answer['model'] => ({ id, version, revision });

function ofAllClasses(): ServiceError {
  return new ServiceError(
    'bad-option',
    'A set of labels is of all classes, and labels or within leave some out.',
    'Ask for coverage without them.',
    { fields: [{ detail: 'is of all classes', pointer: '#/coverage' }] },
  );
}
