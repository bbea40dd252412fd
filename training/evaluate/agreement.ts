import { SignalToNoise } from '../graph/signal-to-noise.ts';

/** Float against integer: how far two networks that should be one are apart. */

export interface AgreementFigures {
  readonly images: number;
  /** Images on which both name the same class first. */
  readonly same: number;
  /** `same` as a share, 0…1. */
  readonly top1: number;
  /** Mean of |score − float score| of the class that the integer network names first. */
  readonly scoreDifference: number;
  /** Mean of the same over all classes. */
  readonly allScoresDifference: number;
  /** Of the outputs themselves. */
  readonly decibels: number;
}

export class Agreement {
  readonly #noise = new SignalToNoise();
  readonly #scores: (output: Float32Array) => Float32Array;
  #images = 0;
  #same = 0;
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
    if (first === best(exact)) this.#same += 1;
    this.#first += Math.abs((approximate[first] ?? 0) - (exact[first] ?? 0));
    this.#all += exact.reduce((sum, score, c) => sum + Math.abs(score - (approximate[c] ?? 0)), 0) / exact.length;
    this.#noise.add(float, integer);
  }

  get figures(): AgreementFigures {
    const images = Math.max(this.#images, 1);
    return {
      images: this.#images,
      same: this.#same,
      top1: this.#same / images,
      scoreDifference: this.#first / images,
      allScoresDifference: this.#all / images,
      decibels: this.#noise.decibels,
    };
  }
}

export function softmax(logits: Float32Array): Float32Array {
  const top = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = logits.map((logit) => Math.exp(logit - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

function best(scores: Float32Array): number {
  let first = 0;
  for (let c = 1; c < scores.length; c++) if ((scores[c] ?? 0) > (scores[first] ?? 0)) first = c;
  return first;
}
