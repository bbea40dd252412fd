import type { Classifier } from '../../functions/runtime/classifier.ts';
import { type LogitMethod, noveltyByPrototypes, noveltyOf } from '../../functions/runtime/novelty.ts';
import { imageAt, type LabelledImages } from '../data/labelled-images.ts';
import type { Predictions } from './predictions.ts';

/** Telling what a network knows from what it does not (Yang et al. 2021, arXiv 2110.11334, "out-of-distribution detection"). */

/** How strange each image looks to a network, float32 as the service says it. */
export function novelties({ logits, classes, data }: Predictions, method: LogitMethod): Float64Array {
  return Float64Array.from({ length: data.count }, (_, at) =>
    Math.fround(noveltyOf(logits.subarray(at * classes, (at + 1) * classes), method)),
  );
}

type Embed = NonNullable<Classifier['embed']>;

export async function noveltiesByPrototypes(
  embed: Embed,
  data: LabelledImages,
  prototypes: Int8Array,
): Promise<Float64Array> {
  const values = new Float64Array(data.count);
  for (let at = 0; at < data.count; at++) {
    values[at] = Math.fround(noveltyByPrototypes((await embed(imageAt(data, at))).values, prototypes));
  }
  return values;
}

/** A mean is known well enough from so many images. */
const IMAGES_A_CLASS = 500;
const INT8 = 127;

/**
 * The mean directions of the embeddings of each class, int8 `[classes, dims]`: rows are stretched to the whole range.
 * @param training images that the network learned from
 */
export async function prototypesOf(embed: Embed, training: LabelledImages): Promise<Int8Array> {
  const classes = training.classNames.length;
  const counts = new Array<number>(classes).fill(0);
  const sums: Float64Array[] = [];
  for (const [at, label] of training.labels.entries()) {
    if ((counts[label] ?? 0) >= IMAGES_A_CLASS) continue;
    counts[label] = (counts[label] ?? 0) + 1;
    const { values } = await embed(imageAt(training, at));
    const length = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0)) || 1;
    const sum = sums[label] ?? new Float64Array(values.length);
    sums[label] = sum;
    for (const [i, value] of values.entries()) sum[i] = (sum[i] ?? 0) + value / length;
  }
  const dims = sums.find(Boolean)?.length ?? 0;
  const prototypes = new Int8Array(classes * dims);
  for (const [label, sum] of sums.entries()) {
    const most = sum?.reduce((a, b) => Math.max(a, Math.abs(b)), 0) ?? 0;
    if (sum && most > 0)
      prototypes.set(
        sum.map((value) => Math.round((value / most) * INT8)),
        label * dims,
      );
  }
  return prototypes;
}

/** The value above which at most so large a share of known images lies. */
export function thresholdFor(known: Float64Array, falseRejects: number): number {
  const sorted = known.toSorted();
  return sorted[Math.max(0, Math.ceil((1 - falseRejects) * sorted.length) - 1)] ?? Number.POSITIVE_INFINITY;
}

export const shareAbove = (values: Float64Array, threshold: number): number =>
  values.filter((value) => value > threshold).length / Math.max(values.length, 1);

/** Chance that a strange image looks stranger than a known one; equal ones count half (Mann and Whitney 1947). */
export function auroc(known: Float64Array, strange: Float64Array): number {
  const sorted = known.toSorted();
  let wins = 0;
  for (const value of strange) wins += (countBelow(sorted, value, false) + countBelow(sorted, value, true)) / 2;
  return wins / Math.max(1, known.length * strange.length);
}

/** @returns how many are less than a value, or less or equal */
function countBelow(sorted: Float64Array, value: number, orEqual: boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const at = sorted[middle] ?? 0;
    if (at < value || (orEqual && at === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Share of strange images that pass for known where 95 % of the known ones do. */
export const fprAt95 = (known: Float64Array, strange: Float64Array): number =>
  1 - shareAbove(strange, thresholdFor(known, 0.05));
