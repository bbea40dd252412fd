import type { Certainty } from '../../functions/catalogue/certainty.ts';
import { highest, type Predictions } from './predictions.ts';

/** Logits farther apart than so many times what is found are no near tie, and their errors no matter. */
const NEAR = 4;
const LEAST_NEAR_LOGITS = 4;

/** What two networks put out for one image, `[classes]`: logits, or logarithms of probabilities, whose differences are the same. */
export type OutputPair = readonly [float: Float64Array, integer: Float64Array];

/**
 * What integers change in the difference of the highest logit to another one: the most of all that lie near it. Where
 * the first two are farther apart than that, float names the same class first, as long as no other image has a larger
 * error.
 */
export function tieMargin(pairs: readonly OutputPair[]): number {
  let near = LEAST_NEAR_LOGITS;
  for (;;) {
    const margin = mostWithin(pairs, near);
    if (NEAR * margin <= near) return margin;
    near = NEAR * margin;
  }
}

function mostWithin(pairs: readonly OutputPair[], near: number): number {
  let most = 0;
  for (const [exact, rounded] of pairs) {
    const first = highest(rounded);
    const [own, inFloat] = [rounded[first] ?? 0, exact[first] ?? 0];
    for (const [c, logit] of rounded.entries()) {
      const apart = own - logit;
      if (c !== first && apart <= near) most = Math.max(most, apart - (inFloat - (exact[c] ?? 0)));
    }
  }
  return most;
}

export interface TieCheck {
  /** Images whose first two classes are nearer than the margin. */
  readonly flagged: number;
  /** Images on which float names another class first. */
  readonly differing: number;
  /** Of those, the ones that are not flagged. */
  readonly missed: number;
}

export function checkTies(pairs: readonly OutputPair[], margin: number): TieCheck {
  let [flagged, differing, missed] = [0, 0, 0];
  for (const [exact, rounded] of pairs) {
    const first = highest(rounded);
    const others = rounded.filter((_, c) => c !== first);
    const isNear = (rounded[first] ?? 0) - Math.max(...others) <= margin;
    const differs = highest(exact) !== first;
    if (isNear) flagged++;
    if (differs) differing++;
    if (differs && !isNear) missed++;
  }
  return { flagged, differing, missed };
}

interface TieFigures {
  readonly images: number;
  readonly tieMargin: number;
}

/** What the compiler can say of it, from the pictures that it has; `npm run certainty` measures it on more. */
export function nearTieOf(calibration: TieFigures, heldOut: TieFigures): { readonly certainty?: Certainty } {
  const margin = Math.max(calibration.tieMargin, heldOut.tieMargin);
  if (!(margin > 0)) return {};
  const images = calibration.images + heldOut.images;
  return { certainty: { nearTie: { dataset: 'the pictures it was compiled with', images, margin } } };
}

/** Two networks on the same images, image by image. */
export function outputPairs(float: Predictions, integer: Predictions): OutputPair[] {
  const { classes, data } = integer;
  const row = (all: Float64Array, at: number) => all.subarray(at * classes, (at + 1) * classes);
  return Array.from({ length: data.count }, (_, at) => [row(float.logits, at), row(integer.logits, at)] as const);
}
