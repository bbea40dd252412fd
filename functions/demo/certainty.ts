import type { Manifest } from '../catalogue/manifest.ts';

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const count = (n: number) => n.toLocaleString('en');

/** How far a model's answers can be trusted, in sentences; none where nothing was measured. */
export function certaintyOf({ nearTie, unknown, conformal }: NonNullable<Manifest['certainty']> = {}): string[] {
  return [
    ...(unknown ? unknownFacts(unknown) : []),
    ...(conformal
      ? [
          `Lists of labels for 95 %: they held the true label of ${percent(conformal.coverageAt95)} of ` +
            `${count(conformal.freshImages)} fresh pictures, ${conformal.meanSizeAt95.toFixed(2)} labels long.`,
        ]
      : []),
    ...(nearTie
      ? [
          `Near ties: on ${count(nearTie.images)} pictures integers changed the difference of two logits near the highest ` +
            `by ${nearTie.margin.toFixed(3)} at most.`,
        ]
      : []),
  ];
}

function unknownFacts(unknown: NonNullable<NonNullable<Manifest['certainty']>['unknown']>): string[] {
  const { method, threshold, measuredFalseRejects, others } = unknown;
  return [
    `Unknown: by ${method}, above ${threshold.toFixed(3)}; of known pictures that is ${percent(measuredFalseRejects)}.`,
    ...others.map(
      ({ dataset, auroc, fprAt95 }) =>
        `Against ${dataset}: AUROC ${auroc.toFixed(3)}; where 95 % of known ones pass, ${percent(fprAt95)} of these do.`,
    ),
  ];
}
