/**
 * How little an input looks like what a network was trained on, from its logits `[classes]`; higher is stranger.
 * - `energy`: −log Σ exp(logit), the free energy at temperature 1 (Liu et al. 2020, arXiv 2010.03759, equation 4).
 * - `max-logit`: minus the highest logit (Hendrycks et al. 2022, arXiv 1911.11132). Of logarithms of probabilities it
 *   is the surprise about the first class (Hendrycks and Gimpel 2017), the only one that a softmax leaves.
 */
export type NoveltyMethod = 'energy' | 'max-logit';

export function noveltyOf(logits: Iterable<number>, method: NoveltyMethod): number {
  const values = [...logits];
  let top = Number.NEGATIVE_INFINITY;
  for (const logit of values) top = Math.max(top, logit);
  if (method === 'max-logit') return -top;
  let sum = 0;
  for (const logit of values) sum += Math.exp(logit - top);
  return -(top + Math.log(sum));
}
