import { SignalToNoise } from '../graph/signal-to-noise.ts';
import { type OutputPair, tieMargin } from './near-tie.ts';

/** Float against integer: how far two networks that should be one are apart. */

export interface AgreementFigures {
  readonly images: number;
  /** Images on which both name the same class first. */
  readonly same: number;
  /** `same` as a share, 0…1. */
  readonly top1: number;
  /**
   * Images on which float is sure, by a margin of more than {@link SURE} between its first two scores, and on which both
   * name the same class. Where float itself wavers, another answer says little of the integers.
   */
  readonly sure: { readonly images: number; readonly same: number };
  /** Mean of |score − float score| of the class that the integer network names first. */
  readonly scoreDifference: number;
  /** Mean of the same over all classes. */
  readonly allScoresDifference: number;
  /** Of the outputs themselves. */
  readonly decibels: number;
  /** What the first two logits have to be apart for float to name the same class first (`near-tie.ts`). */
  readonly tieMargin: number;
}

/** A margin between scores. */
export const SURE = 0.1;

export class Agreement {
  readonly #noise = new SignalToNoise();
  readonly #scores: (output: Float32Array) => Float32Array;
  readonly #pairs: OutputPair[] = [];
  #images = 0;
  #same = 0;
  #sure = 0;
  #sureSame = 0;
  #first = 0;
  #all = 0;

  /** @param scores makes scores of an output, a softmax where it is logits */
  constructor(scores: (output: Float32Array) => Float32Array) {
    this.#scores = scores;
  }

  add(float: Float32Array, integer: Float32Array): void {
    const [exact, approximate] = [this.#scores(float), this.#scores(integer)];
    const first = best(approximate);
    this.#images += 1;
    const same = first === best(exact);
    if (same) this.#same += 1;
    if (margin(exact) > SURE) {
      this.#sure += 1;
      if (same) this.#sureSame += 1;
    }
    this.#first += Math.abs((approximate[first] ?? 0) - (exact[first] ?? 0));
    this.#all += exact.reduce((sum, score, c) => sum + Math.abs(score - (approximate[c] ?? 0)), 0) / exact.length;
    this.#noise.add(float, integer);
    this.#pairs.push([Float64Array.from(float), Float64Array.from(integer)]);
  }

  get figures(): AgreementFigures {
    const images = Math.max(this.#images, 1);
    return {
      images: this.#images,
      same: this.#same,
      top1: this.#same / images,
      sure: { images: this.#sure, same: this.#sureSame },
      scoreDifference: this.#first / images,
      allScoresDifference: this.#all / images,
      decibels: this.#noise.decibels,
      tieMargin: tieMargin(this.#pairs),
    };
  }
}

export function softmax(logits: Float32Array): Float32Array {
  const top = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = logits.map((logit) => Math.exp(logit - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** Between the highest score and the one after it. */
function margin(scores: Float32Array): number {
  const [first = 0, second = 0] = scores.toSorted((a, b) => b - a);
  return first - second;
}

function best(scores: Float32Array): number {
  let first = 0;
  for (let c = 1; c < scores.length; c++) if ((scores[c] ?? 0) > (scores[first] ?? 0)) first = c;
  return first;
}
