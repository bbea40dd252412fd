import type { Classifier } from '../../functions/runtime/classifier.ts';
import type { LabelledImages } from '../data/labelled-images.ts';

/** What a network said of each image of a set. */
export interface Predictions {
  readonly data: LabelledImages;
  readonly classes: number;
  /** `[images, classes]`; of a network that ends in a softmax its logarithms, as the service takes them. */
  readonly logits: Float64Array;
}

const BATCH = 100;
/** The service's own: keeps the logarithm of a zero score finite. */
const LEAST_SCORE = 1e-30;

/** @param output whether the classifier gives logits or a softmax */
export async function predict(
  classifier: Classifier,
  data: LabelledImages,
  output: 'logits' | 'softmax',
  onImages?: (seen: number) => void,
): Promise<Predictions> {
  const classes = data.classNames.length;
  const logits = new Float64Array(data.count * classes);
  const bytes = data.images.length / data.count;
  for (let start = 0; start < data.count; start += BATCH) {
    const end = Math.min(start + BATCH, data.count);
    const scores = await classifier.classify(data.images.subarray(start * bytes, end * bytes), end - start);
    for (const [at, score] of scores.entries()) {
      logits[start * classes + at] = output === 'logits' ? score : Math.log(Math.max(score, LEAST_SCORE));
    }
    onImages?.(end);
  }
  return { data, classes, logits };
}

/** softmax(logits / temperature), `[images, classes]` */
export function probabilitiesAt({ logits, classes }: Predictions, temperature: number): Float64Array {
  const result = new Float64Array(logits.length);
  for (let start = 0; start < logits.length; start += classes) {
    const row = logits.subarray(start, start + classes);
    const top = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    let sum = 0;
    for (const [c, logit] of row.entries()) {
      const power = Math.exp((logit - top) / temperature);
      result[start + c] = power;
      sum += power;
    }
    for (let c = 0; c < classes; c++) result[start + c] = (result[start + c] ?? 0) / sum;
  }
  return result;
}

/** Mean cross-entropy of the true classes. */
export function lossAt({ logits, classes, data }: Predictions, temperature: number): number {
  let loss = 0;
  for (const [at, label] of data.labels.entries()) {
    const row = logits.subarray(at * classes, (at + 1) * classes);
    const top = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    let sum = 0;
    for (const logit of row) sum += Math.exp((logit - top) / temperature);
    loss += Math.log(sum) + (top - (row[label] ?? 0)) / temperature;
  }
  return loss / data.count;
}

/** The first of the highest. */
export function highest(scores: Float64Array): number {
  let best = 0;
  for (const [index, score] of scores.entries()) if (score > (scores[best] ?? 0)) best = index;
  return best;
}
