import type { Batch } from '../gradient-engine.ts';

/** Mean of −Σ target · log(softmax(logits)) over the batch, and how many rows have both highest in one place. */
export function crossEntropy(logits: Float32Array, { targets, count }: Batch): { loss: number; hits: number } {
  const classes = targets.length / count;
  let [sum, hits] = [0, 0];
  for (let row = 0; row < count; row++) {
    const [said, wanted] = [logits, targets].map((values) => values.subarray(row * classes, (row + 1) * classes));
    if (!said || !wanted) continue;
    const [best, right] = [highest(said), highest(wanted)];
    const top = said[best] ?? 0;
    const logSum = Math.log(said.reduce((total, value) => total + Math.exp(value - top), 0));
    for (const [at, target] of wanted.entries()) sum -= target * ((said[at] ?? 0) - top - logSum);
    if (best === right) hits += 1;
  }
  return { loss: sum / count, hits };
}

function highest(values: Float32Array): number {
  let best = 0;
  for (const [at, value] of values.entries()) if (value > (values[best] ?? 0)) best = at;
  return best;
}
