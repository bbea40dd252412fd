import { highest, type Predictions, probabilitiesAt } from './predictions.ts';

/** Two networks on the same images: the small one's first class, how sure it is of it, and the large one's. */
export interface Stage {
  readonly small: number;
  /** Between its first two probabilities. */
  readonly margin: number;
  readonly large: number;
  readonly label: number;
}

export function stagesOf(
  small: { readonly predictions: Predictions; readonly temperature: number },
  large: Predictions,
): Stage[] {
  const { data, classes } = large;
  const probabilities = probabilitiesAt(small.predictions, small.temperature);
  return Array.from(data.labels, (label, at) => {
    const row = probabilities.subarray(at * classes, (at + 1) * classes);
    const [first = 0, second = 0] = row.toSorted((a, b) => b - a);
    const other = large.logits.subarray(at * classes, (at + 1) * classes);
    return { small: highest(row), margin: first - second, large: highest(other), label };
  });
}

/** The least margin from which on the small network may answer, for the cascade to agree with the large one so often. */
export function marginFor(stages: readonly Stage[], agreement: number): number {
  const sorted = stages.toSorted((a, b) => b.margin - a.margin);
  const most = Math.floor((1 - agreement) * stages.length + 1e-9);
  let [margin, wrong] = [1, 0];
  for (const [at, stage] of sorted.entries()) {
    if (stage.small !== stage.large) wrong++;
    if (wrong > most) break;
    // Of equal margins all are answered, or none.
    if (sorted[at + 1]?.margin !== stage.margin) margin = stage.margin;
  }
  return margin;
}

export interface CascadeFigures {
  readonly agreement: number;
  readonly answeredByFirst: number;
  readonly top1: number;
  readonly secondTop1: number;
}

export function measureCascade(stages: readonly Stage[], margin: number): CascadeFigures {
  const share = (is: (stage: Stage) => boolean) => stages.filter(is).length / stages.length;
  const said = (stage: Stage) => (stage.margin >= margin ? stage.small : stage.large);
  return {
    agreement: share((stage) => said(stage) === stage.large),
    answeredByFirst: share((stage) => stage.margin >= margin),
    top1: share((stage) => said(stage) === stage.label),
    secondTop1: share((stage) => stage.large === stage.label),
  };
}
