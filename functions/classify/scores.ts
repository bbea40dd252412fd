import type { Label, Manifest } from '../catalogue/manifest.ts';
import { ServiceError } from '../errors.ts';
import type { Prediction } from './answer.ts';

export interface Ranking {
  readonly topK: number;
  readonly minScore: number;
  /** Positions of the classes to choose from; all where it is not given. */
  readonly among?: ReadonlySet<number> | undefined;
}

/** What becomes of a network's output: `softmax` at the manifest's temperature, `sigmoid` of each logit, or nothing. */
export type Activation = 'softmax' | 'sigmoid' | 'none';

/** @throws ServiceError `bad-option` where a network that ends in softmax is asked for its logits' sigmoid */
export function activated(output: Float32Array, { kind, temperature }: Manifest['output'], activation: Activation) {
  if (activation === 'softmax') return probabilities(output, kind, temperature);
  if (activation === 'none') return output;
  if (kind === 'logits') return output.map((logit) => 1 / (1 + Math.exp(-logit)));
  throw new ServiceError(
    'bad-option',
    'This network ends in softmax: its logits, of which sigmoid would be taken, are not known.',
    'Use softmax or none.',
  );
}

/**
 * Probabilities from what a network puts out: softmax(logits / temperature), in float32 results.
 * A network that ends in softmax itself is brought to the same temperature through its logarithms.
 */
export function probabilities(
  output: Float32Array,
  kind: Manifest['output']['kind'],
  temperature: number,
): Float32Array {
  if (kind === 'softmax' && temperature === 1) return output;
  const logits = logitsOf(output, kind);
  let top = Number.NEGATIVE_INFINITY;
  for (const logit of logits) top = Math.max(top, logit);
  const powers = logits.map((logit) => Math.exp((logit - top) / temperature));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** Logits, or the logarithms of what a network that ends in softmax puts out. */
export const logitsOf = (output: Float32Array, kind: Manifest['output']['kind']): Float32Array =>
  kind === 'softmax' ? output.map((p) => Math.log(Math.max(p, 1e-30))) : output;

/** Between the first two probabilities. */
export function marginOf(output: Float32Array, { kind, temperature }: Manifest['output']): number {
  let [first, second] = [0, 0];
  for (const score of probabilities(output, kind, temperature)) {
    if (score > first) [first, second] = [score, first];
    else if (score > second) second = score;
  }
  return first - second;
}

/** The class of the highest score, the first of equal ones. */
export function best(scores: Float32Array): number {
  return scores.reduce((top, score, index) => (score > (scores[top] as number) ? index : top), 0);
}

/** The `topK` best classes with at least `minScore`, best first; equal scores in the order of the classes. */
export function rank(scores: Float32Array, labels: readonly Label[], ranking: Ranking): Prediction[] {
  const { topK, minScore, among } = ranking;
  const order = Array.from(among ?? scores.keys()).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
  const predictions: Prediction[] = [];
  for (const index of order.slice(0, topK)) {
    if (index >= labels.length || (scores[index] ?? 0) < minScore) break;
    predictions.push(predictionOf(index, scores, labels));
  }
  return predictions;
}

/** Positions of the classes that are named by label or synset. @throws ServiceError `bad-option` naming one that is not there */
export function positionsOf(names: readonly string[], labels: readonly Label[]): ReadonlySet<number> {
  const positions = new Set<number>();
  for (const name of names) {
    // Two classes of ImageNet are both called "crane".
    const found = Array.from(labels.keys()).filter((i) => labels[i]?.label === name || labels[i]?.synset === name);
    for (const index of found) positions.add(index);
    if (found.length > 0) continue;
    throw new ServiceError(
      'bad-option',
      `The model has no class "${name.slice(0, 100)}".`,
      'GET /models/{id} lists its labels and synsets; write them as they stand there.',
      { fields: [{ detail: 'names no class', pointer: '#/labels' }] },
    );
  }
  return positions;
}

export function predictionOf(index: number, scores: Float32Array, labels: readonly Label[]): Prediction {
  const { label = '', synset } = labels[index] ?? {};
  return { ...(synset && { synset }), label, index, score: scores[index] ?? 0 };
}
