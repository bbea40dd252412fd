import type { Classifier } from '../../functions/runtime/classifier.ts';
import type { LabelledImages } from '../data/labelled-images.ts';
import { highest, lossAt, type Predictions, predict } from './predictions.ts';

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

/** @param output whether the classifier gives logits or a softmax */
export async function evaluate(
  classifier: Classifier,
  data: LabelledImages,
  output: 'logits' | 'softmax',
  onImages?: (seen: number) => void,
): Promise<Evaluation> {
  return summarize(await predict(classifier, data, output, onImages));
}

/** @param temperature what the loss is taken at; the rest does not depend on it */
export function summarize(predictions: Predictions, temperature = 1): Evaluation {
  const { data, classes, logits } = predictions;
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  let [right, inFive] = [0, 0];
  for (const [at, label] of data.labels.entries()) {
    const row = logits.subarray(at * classes, (at + 1) * classes);
    const rank = rankOf(row, label);
    if (rank === 0) right++;
    if (rank < 5) inFive++;
    const counts = confusion[label] ?? [];
    const predicted = highest(row);
    counts[predicted] = (counts[predicted] ?? 0) + 1;
  }
  const n = data.count;
  return { n, top1: right / n, top5: inFive / n, loss: lossAt(predictions, temperature), confusion };
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
function rankOf(scores: Float64Array, label: number): number {
  const own = scores[label] ?? Number.NEGATIVE_INFINITY;
  let before = 0;
  for (const [index, score] of scores.entries()) if (score > own || (score === own && index < label)) before++;
  return before;
}
