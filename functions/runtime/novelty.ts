/**
 * How little an input looks like what a network was trained on, from its logits `[classes]`; higher is stranger.
 * - `energy`: −log Σ exp(logit), the free energy at temperature 1 (Liu et al. 2020, arXiv 2010.03759, equation 4).
 * - `max-logit`: minus the highest logit (Hendrycks et al. 2022, arXiv 1911.11132). Of logarithms of probabilities it
 *   is the surprise about the first class (Hendrycks and Gimpel 2017), the only one that a softmax leaves.
 */
export type LogitMethod = 'energy' | 'max-logit';

export function noveltyOf(logits: Iterable<number>, method: LogitMethod): number {
  const values = [...logits];
  let top = Number.NEGATIVE_INFINITY;
  for (const logit of values) top = Math.max(top, logit);
  if (method === 'max-logit') return -top;
  let sum = 0;
  for (const logit of values) sum += Math.exp(logit - top);
  return -(top + Math.log(sum));
}

/**
 * The same from what the last layer reads: 1 − the cosine to the nearest of the mean vectors of the classes (Mensink et
 * al. 2013, nearest class mean; Lee et al. 2018, arXiv 1807.03888, with one spread for all directions).
 * @param embedding `[dims]`, of whatever length
 * @param prototypes int8 `[classes, dims]`, each row of whatever length
 */
export function noveltyByPrototypes(embedding: Float32Array, prototypes: Int8Array): number {
  const dims = embedding.length;
  let own = 0;
  for (const value of embedding) own += value * value;
  let nearest = -1;
  for (let row = 0; row + dims <= prototypes.length; row += dims) {
    let [dot, length] = [0, 0];
    for (let i = 0; i < dims; i++) {
      const value = prototypes[row + i] as number;
      dot += value * (embedding[i] as number);
      length += value * value;
    }
    const product = Math.sqrt(own * length);
    nearest = Math.max(nearest, product > 0 ? dot / product : 0);
  }
  return 1 - nearest;
}
