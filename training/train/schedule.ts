/** Share of all steps over which the rate rises, and what it rises from, as a share of the highest. */
const WARM_UP = 0.1;
const START = 0.04;

/**
 * One cycle (Smith and Topin 2019, arXiv 1708.07120): up along a line, down to zero along half a cosine.
 * @param step from 0. @returns the rate as a share of the highest
 */
export function oneCycle(step: number, steps: number): number {
  const rising = Math.max(1, Math.round(WARM_UP * steps));
  if (step < rising) return START + ((1 - START) * (step + 1)) / rising;
  return (1 + Math.cos((Math.PI * (step + 1 - rising)) / (steps + 1 - rising))) / 2;
}
