import type { LabelledImages } from '../data/labelled-images.ts';
import { PIXEL_SCALE } from './batches.ts';
import type { GradientEngine, NamedArrays } from './gradient-engine.ts';

/** Images at a time. */
const BATCH = 250;
/** Keeps the logarithm of a score of zero finite. */
const EPSILON = 1e-7;

export interface Validation {
  readonly accuracy: number;
  /** Mean cross-entropy. */
  readonly loss: number;
}

/** How a network does in inference mode. */
export async function validate(
  engine: GradientEngine,
  parameters: NamedArrays,
  data: LabelledImages,
): Promise<Validation> {
  const bytes = data.shape[0] * data.shape[1] * data.shape[2];
  const classes = data.classNames.length;
  let [hits, loss] = [0, 0];
  for (let first = 0; first < data.count; first += BATCH) {
    const count = Math.min(BATCH, data.count - first);
    const pixels = Float32Array.from(
      data.images.subarray(first * bytes, (first + count) * bytes),
      (pixel) => pixel * PIXEL_SCALE,
    );
    const scores = await engine.scores(parameters, pixels, count);
    for (let row = 0; row < count; row++) {
      const own = scores.subarray(row * classes, (row + 1) * classes);
      const label = data.labels[first + row] ?? 0;
      const score = own[label] ?? 0;
      if (own.every((other, at) => at === label || other < score)) hits += 1;
      loss -= Math.log(Math.max(score, EPSILON));
    }
  }
  return { accuracy: hits / data.count, loss: loss / data.count };
}
