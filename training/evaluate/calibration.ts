import { highest, lossAt, type Predictions, probabilitiesAt } from './predictions.ts';

/** Images whose first class has a probability of this range. */
export interface Bin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Mean probability of the first class, and the share of images whose class it is. NaN where there are none. */
  readonly confidence: number;
  readonly accuracy: number;
}

export interface Reliability {
  readonly bins: readonly Bin[];
  /** Expected calibration error: mean over the images of |confidence − accuracy| of their bin. */
  readonly ece: number;
}

/** As in the paper. */
const BINS = 15;

/** How far a probability is a share of right answers (Guo et al. 2017, arXiv 1706.04599, section 2). */
export function reliability(predictions: Predictions, temperature: number): Reliability {
  const { data, classes } = predictions;
  const probabilities = probabilitiesAt(predictions, temperature);
  const sums = Array.from({ length: BINS }, () => ({ count: 0, confidence: 0, right: 0 }));
  for (const [at, label] of data.labels.entries()) {
    const row = probabilities.subarray(at * classes, (at + 1) * classes);
    const first = highest(row);
    const confidence = row[first] ?? 0;
    // A bin takes its upper end and not its lower one.
    const sum = sums[Math.max(0, Math.ceil(confidence * BINS) - 1)];
    if (!sum) continue;
    sum.count += 1;
    sum.confidence += confidence;
    if (first === label) sum.right += 1;
  }
  const bins = sums.map(({ count, confidence, right }, at) => ({
    from: at / BINS,
    to: (at + 1) / BINS,
    count,
    confidence: confidence / count,
    accuracy: right / count,
  }));
  const gaps = sums.reduce((total, { confidence, right }) => total + Math.abs(confidence - right), 0);
  return { bins, ece: gaps / Math.max(data.count, 1) };
}

/** Beyond these a temperature says more of the few images than of the network. */
const [COLDEST, HOTTEST] = [0.1, 10];
const GOLDEN = (Math.sqrt(5) - 1) / 2;
const STEPS = 40;

/**
 * The temperature with the least loss (Guo et al. 2017, section 4.2): the loss has one minimum along it, which golden
 * sections of its logarithm close in on. Three decimals.
 * @param validation of images that neither trained the network nor measure it
 * @returns 1 where the network gets none of them wrong, as then any certainty would do
 */
export function fitTemperature(validation: Predictions): number {
  const { data, classes, logits } = validation;
  const isWrong = (label: number, at: number) => highest(logits.subarray(at * classes, (at + 1) * classes)) !== label;
  if (!data.labels.some(isWrong)) return 1;
  const loss = (logarithm: number) => lossAt(validation, Math.exp(logarithm));
  let [low, high] = [Math.log(COLDEST), Math.log(HOTTEST)];
  for (let step = 0; step < STEPS; step++) {
    const section = (high - low) * GOLDEN;
    if (loss(high - section) < loss(low + section)) high = low + section;
    else low = high - section;
  }
  return Number(Math.exp((low + high) / 2).toFixed(3));
}

/** Standard deviations that chance does not make, beside what a validation set out of the training set is easier. */
const FAR = 4;

/** Whether the images that should have been held out are known too well for that. */
export function wasTrainedOn(accuracy: number, images: number, testAccuracy: number, testImages: number): boolean {
  const variance = (testAccuracy * (1 - testAccuracy)) / images + (testAccuracy * (1 - testAccuracy)) / testImages;
  return accuracy - testAccuracy > FAR * Math.sqrt(variance);
}
