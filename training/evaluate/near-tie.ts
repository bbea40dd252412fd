import { highest, type Predictions } from './predictions.ts';

/** Logits farther apart than so many times what is found are no near tie, and their errors no matter. */
const NEAR = 4;
const LEAST_NEAR_LOGITS = 4;

/**
 * What integers change in the difference of the highest logit to another one: the most of all that lie near it, on
 * images that both networks saw. Where the first two are farther apart than that, float names the same class first, as
 * long as no other image has a larger error.
 * @param float logits, or logarithms of probabilities, whose differences are the same
 */
export function tieMargin(float: Predictions, integer: Predictions): number {
  let near = LEAST_NEAR_LOGITS;
  for (;;) {
    const margin = mostWithin(float, integer, near);
    if (NEAR * margin <= near) return margin;
    near = NEAR * margin;
  }
}

function mostWithin(float: Predictions, integer: Predictions, near: number): number {
  let most = 0;
  for (const [exact, rounded] of pairs(float, integer)) {
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

export function checkTies(float: Predictions, integer: Predictions, margin: number): TieCheck {
  let [flagged, differing, missed] = [0, 0, 0];
  for (const [exact, rounded] of pairs(float, integer)) {
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

function* pairs(float: Predictions, integer: Predictions): Generator<readonly [Float64Array, Float64Array]> {
  const { classes, data } = integer;
  for (let at = 0; at < data.count; at++) {
    const row = (all: Float64Array) => all.subarray(at * classes, (at + 1) * classes);
    yield [row(float.logits), row(integer.logits)];
  }
}
