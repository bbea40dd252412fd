import { highest, type Predictions, probabilitiesAt } from './predictions.ts';

/** Two networks on the same images: the float one, and the integer one that was made of it. */
export interface Comparison {
  readonly n: number;
  /** Images on which both name the same class first. */
  readonly same: number;
  readonly onlyFloatRight: number;
  readonly onlyIntegerRight: number;
  /** Mean of |probability − float probability| of the class that the integer network names first. */
  readonly scoreDifference: number;
}

export function compare(float: Predictions, integer: Predictions): Comparison {
  const { data, classes } = integer;
  const [exact, rounded] = [probabilitiesAt(float, 1), probabilitiesAt(integer, 1)];
  let [same, onlyFloatRight, onlyIntegerRight, difference] = [0, 0, 0, 0];
  for (const [at, label] of data.labels.entries()) {
    const row = (all: Float64Array) => all.subarray(at * classes, (at + 1) * classes);
    const [inFloat, inInteger] = [highest(row(exact)), highest(row(rounded))];
    if (inFloat === inInteger) same++;
    else if (inFloat === label) onlyFloatRight++;
    else if (inInteger === label) onlyIntegerRight++;
    difference += Math.abs((row(exact)[inInteger] ?? 0) - (row(rounded)[inInteger] ?? 0));
  }
  const n = data.count;
  return { n, same, onlyFloatRight, onlyIntegerRight, scoreDifference: difference / Math.max(n, 1) };
}
