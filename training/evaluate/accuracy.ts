import type { Classifier } from '../../functions/runtime/classifier.ts';
import type { LabelledImages } from '../data/labelled-images.ts';

export interface Evaluation {
  readonly n: number;
  /** Share of images whose class has the highest score; of equal scores the first counts, as in the service. */
  readonly top1: number;
  /** Share of images whose class is among the five highest scores. */
  readonly top5: number;
  /** Mean cross-entropy of the true class. */
  readonly loss: number;
  /** `[true class][predicted class]`, images. */
  readonly confusion: readonly (readonly number[])[];
}

export interface ClassFigures {
  /** Of the images taken for this class, how many are. NaN where none was. */
  readonly precision: number;
  /** Of the images of this class, how many were found. NaN where there are none. */
  readonly recall: number;
  /** Harmonic mean of both. */
  readonly f1: number;
  /** Images of this class. */
  readonly support: number;
}

const BATCH = 100;
/** Keras' epsilon: keeps the logarithm of a zero score finite. */
const EPSILON = 1e-7;

/** @param output whether the classifier gives logits or a softmax */
export async function evaluate(
  classifier: Classifier,
  data: LabelledImages,
  output: 'logits' | 'softmax',
  onImages?: (seen: number) => void,
): Promise<Evaluation> {
  const classes = data.classNames.length;
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  const bytes = data.images.length / data.count;
  let [right, inFive, loss] = [0, 0, 0];
  for (let start = 0; start < data.count; start += BATCH) {
    const end = Math.min(start + BATCH, data.count);
    const scores = await classifier.classify(data.images.subarray(start * bytes, end * bytes), end - start);
    for (let at = start; at < end; at++) {
      const row = scores.subarray((at - start) * classes, (at - start + 1) * classes);
      const label = data.labels[at] ?? 0;
      const rank = rankOf(row, label);
      if (rank === 0) right++;
      if (rank < 5) inFive++;
      loss += crossEntropy(row, label, output);
      const counts = confusion[label] ?? [];
      const predicted = highest(row);
      counts[predicted] = (counts[predicted] ?? 0) + 1;
    }
    onImages?.(end);
  }
  const n = data.count;
  return { n, top1: right / n, top5: inFive / n, loss: loss / n, confusion };
}

/** In the order of the classes. @param confusion `[true class][predicted class]` */
export function perClass(confusion: Evaluation['confusion']): ClassFigures[] {
  return confusion.map((row, label) => {
    const hits = row[label] ?? 0;
    const support = row.reduce((sum, count) => sum + count, 0);
    const predicted = confusion.reduce((sum, other) => sum + (other[label] ?? 0), 0);
    return { precision: hits / predicted, recall: hits / support, f1: (2 * hits) / (predicted + support), support };
  });
}

/** How many classes come before `label`: those with a higher score, and earlier ones with an equal one. */
function rankOf(scores: Float32Array, label: number): number {
  const own = scores[label] ?? Number.NEGATIVE_INFINITY;
  let before = 0;
  for (const [index, score] of scores.entries()) if (score > own || (score === own && index < label)) before++;
  return before;
}

function highest(scores: Float32Array): number {
  let best = 0;
  for (const [index, score] of scores.entries()) if (score > (scores[best] ?? 0)) best = index;
  return best;
}

function crossEntropy(scores: Float32Array, label: number, output: 'logits' | 'softmax'): number {
  const own = scores[label] ?? 0;
  if (output === 'softmax') return -Math.log(Math.min(Math.max(own, EPSILON), 1 - EPSILON));
  const top = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return Math.log(scores.reduce((sum, score) => sum + Math.exp(score - top), 0)) + top - own;
}
