import type { Label } from '../../functions/catalogue/manifest.ts';
import { fashionLabels, imagenetLabels, numberedLabels, readLabels } from '../data/labels.ts';
import { GraphError } from '../graph/graph.ts';
import type { CompileOptions } from './options.ts';
import type { Prepared } from './pipeline.ts';

/** The names of a network's classes: those that the command names, or those that its kind of input is known for. */
export async function labelsFor({ labels, feeding }: CompileOptions, { fused }: Prepared): Promise<readonly Label[]> {
  const [height, width, classes] = fused.shapes.get(fused.output) ?? [0, 0, 0];
  if (height * width !== 1) throw new GraphError(`The network gives a map of ${height}x${width}: it is no classifier.`);
  if (labels !== undefined) return readLabels(labels, classes);
  if (feeding === 'fashion' && classes === fashionLabels.length) return fashionLabels;
  if (typeof feeding === 'string' && classes === 1000) return imagenetLabels();
  return numberedLabels(classes);
}

/** Each class with a score of its own, instead of one softmax over all. */
export function isSigmoid({ fused }: Prepared): boolean {
  return /sigmoid/.test(fused.layers.find(({ name }) => name === fused.output)?.activation?.kind ?? '');
}
