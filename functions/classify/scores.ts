import type { Label, Manifest } from '../catalogue/manifest.ts';
import type { Prediction } from './answer.ts';

export interface Ranking {
  readonly topK: number;
  readonly minScore: number;
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
  const logits = kind === 'softmax' ? output.map((p) => Math.log(Math.max(p, 1e-30))) : output;
  let top = Number.NEGATIVE_INFINITY;
  for (const logit of logits) top = Math.max(top, logit);
  const powers = logits.map((logit) => Math.exp((logit - top) / temperature));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** The class of the highest score, the first of equal ones. */
export function best(scores: Float32Array): number {
  return scores.reduce((top, score, index) => (score > (scores[top] as number) ? index : top), 0);
}

/** The `topK` best classes with at least `minScore`, best first; equal scores in the order of the classes. */
export function rank(scores: Float32Array, labels: readonly Label[], { topK, minScore }: Ranking): Prediction[] {
  const order = Array.from(scores.keys()).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
  const predictions: Prediction[] = [];
  for (const index of order.slice(0, topK)) {
    if (index >= labels.length || (scores[index] ?? 0) < minScore) break;
    predictions.push(predictionOf(index, scores, labels));
  }
  return predictions;
}

export function predictionOf(index: number, scores: Float32Array, labels: readonly Label[]): Prediction {
  const { label = '', synset } = labels[index] ?? {};
  return { ...(synset && { synset }), label, index, score: scores[index] ?? 0 };
}
