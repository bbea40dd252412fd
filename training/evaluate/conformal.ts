import { COVERAGE_STEPS, LEAST_COVERAGE, MOST_COVERAGE } from '../../functions/catalogue/certainty.ts';
import { highest, type Predictions, probabilitiesAt } from './predictions.ts';

/**
 * Split conformal prediction: for each coverage the least probability that a label has to have to be in the set, so that
 * the true one is in it that often (Sadinle et al. 2019, arXiv 1609.00451; Angelopoulos and Bates 2021, arXiv 2107.07511,
 * section 1: the quantile of rank ⌈(n + 1) · coverage⌉).
 * @param fitting images that did not train the network
 * @returns for `LEAST_COVERAGE` and every step above it
 */
export function conformalThresholds(fitting: Predictions, temperature: number): number[] {
  const { data, classes } = fitting;
  const probabilities = probabilitiesAt(fitting, temperature);
  const ofTruth = Float64Array.from(data.labels, (label, at) => probabilities[at * classes + label] ?? 0).sort();
  const n = ofTruth.length;
  const steps = Math.round((MOST_COVERAGE - LEAST_COVERAGE) * COVERAGE_STEPS);
  return Array.from({ length: steps + 1 }, (_, step) => {
    const coverage = LEAST_COVERAGE + step / COVERAGE_STEPS;
    // Of too few images no threshold promises so much: every label then.
    const rank = Math.ceil((n + 1) * coverage - 1e-9);
    return rank > n ? 0 : (ofTruth[n - rank] ?? 0);
  });
}

export interface SetFigures {
  /** Share of images whose true label is in the set. */
  readonly coverage: number;
  readonly meanSize: number;
}

/** Sets as the service makes them, never empty. */
export function measureSets(fresh: Predictions, temperature: number, threshold: number): SetFigures {
  const { data, classes } = fresh;
  const probabilities = probabilitiesAt(fresh, temperature);
  let [covered, size] = [0, 0];
  for (const [at, label] of data.labels.entries()) {
    const row = probabilities.subarray(at * classes, (at + 1) * classes);
    const first = highest(row);
    // The service's scores are float32.
    const isIn = (c: number) => c === first || Math.fround(row[c] ?? 0) >= threshold;
    if (isIn(label)) covered++;
    size += Array.from(row.keys()).filter(isIn).length;
  }
  return { coverage: covered / data.count, meanSize: size / data.count };
}
