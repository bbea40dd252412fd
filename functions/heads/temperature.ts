import { z } from 'zod';

/**
 * How sure cosines are. A picture that is added is first told by the means without it, as one that is new; each
 * temperature of a grid is charged what it would have lost, and the one that lost least is used (Guo et al. 2017,
 * arXiv 1706.04599, with the evidence of Dawid 1984, "prequential").
 */
export const TEMPERATURES = [0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.08, 0.12, 0.16, 0.24] as const;
/** Where nothing was told yet. */
const UNTOLD = 0.04;

export const lossesSchema = z.array(z.number()).length(TEMPERATURES.length);
export type Losses = z.infer<typeof lossesSchema>;

export const noLosses = (): Losses => TEMPERATURES.map(() => 0);

/** What each temperature loses on a picture of the class at `index`: minus the logarithm of its probability. */
export function lossesOf(cosines: readonly number[], index: number): Losses {
  return TEMPERATURES.map((temperature) => -Math.log(Math.max(1e-12, softmax(cosines, temperature)[index] ?? 0)));
}

export function fitted(losses: Losses): number {
  if (losses.every((loss) => loss === 0)) return UNTOLD;
  return TEMPERATURES.reduce((best, one, at) =>
    (losses[at] ?? 0) < (losses[TEMPERATURES.indexOf(best)] ?? 0) ? one : best,
  );
}

export function softmax(cosines: readonly number[], temperature: number): number[] {
  const top = Math.max(...cosines);
  const powers = cosines.map((cosine) => Math.exp((cosine - top) / temperature));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
