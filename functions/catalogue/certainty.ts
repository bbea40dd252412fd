import { z } from 'zod';

/** How far a model's answers can be trusted, measured on pictures that it did not learn from: a part of its manifest. */

const finite = z.number().refine(Number.isFinite);
const share = finite.min(0).max(1);
const count = z.int().nonnegative();

/** Coverages that thresholds are kept for: 0.50, 0.51, … 0.99. */
export const LEAST_COVERAGE = 0.5;
export const MOST_COVERAGE = 0.99;
export const COVERAGE_STEPS = 100;
const COVERAGES = Math.round((MOST_COVERAGE - LEAST_COVERAGE) * COVERAGE_STEPS) + 1;

export const certaintySchema = z.strictObject({
  /** Of an integer program: what integers change in the difference of two logits among the highest. */
  nearTie: z
    .strictObject({
      dataset: z.string().min(1),
      images: count,
      /** The most on those images: where the first two are farther apart, float names the same class first. */
      margin: finite.positive(),
    })
    .optional(),
  /** What no class fits. */
  unknown: z
    .strictObject({
      /** `runtime/novelty.ts`; of `prototype` the folder has `prototypes.bin`. */
      method: z.enum(['energy', 'max-logit', 'prototype']),
      /** Above it an input is unknown. */
      threshold: finite,
      /** Share of known images that the threshold was fitted to reject, and of others what it rejects. */
      falseRejects: share,
      dataset: z.string().min(1),
      images: count,
      measuredFalseRejects: share,
      /** Data sets of other things, each against the known images that the threshold was not fitted on. */
      others: z
        .array(
          z.strictObject({
            dataset: z.string().min(1),
            images: count,
            /** Chance that one of these is stranger than a known image. */
            auroc: share,
            /** Share of these that passes for known where 95 % of the known ones do. */
            fprAt95: share,
          }),
        )
        .min(1)
        .max(20),
    })
    .optional(),
  /** Split conformal prediction: sets of labels that hold the true one as often as was asked for. */
  conformal: z
    .strictObject({
      dataset: z.string().min(1),
      /** Those that the thresholds were fitted on, and fresh ones. */
      images: count,
      freshImages: count,
      /** Least probability of a label in the set, for each coverage from the lowest on. */
      thresholds: z.array(share).length(COVERAGES),
      /** On the fresh images, with sets for 95 %. */
      coverageAt95: share,
      meanSizeAt95: finite.positive(),
    })
    .optional(),
});
export type Certainty = z.infer<typeof certaintySchema>;

/** Where the threshold of a coverage stands: that of the next higher one that is kept. @returns -1 outside the range */
export function coverageIndex(coverage: number): number {
  if (!(coverage >= LEAST_COVERAGE && coverage <= MOST_COVERAGE)) return -1;
  // 0.57 · 100 is 56.99… in binary.
  return Math.max(0, Math.ceil((coverage - LEAST_COVERAGE) * COVERAGE_STEPS - 1e-9));
}
