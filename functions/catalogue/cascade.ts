import { z } from 'zod';
import { modelIdSchema } from './manifest.ts';

/** A small network that answers where it is sure, and a large one for all else: a line of `models/cascades.json`. */

const share = z.number().min(0).max(1);
const count = z.number().nonnegative();

export const cascadeSchema = z.strictObject({
  first: modelIdSchema,
  second: modelIdSchema,
  /** Between the first two probabilities: from here on the small network answers. */
  margin: share,
  /** On images that neither network learned from, nor the margin was fitted on. */
  measured: z.strictObject({
    dataset: z.string().min(1),
    images: z.int().positive(),
    /** Share of images on which the cascade names the same class first as the large network alone. */
    agreement: share,
    /** Share that the small network answered. */
    answeredByFirst: share,
    /** Multiplications an image, on average; and those of the large network alone. */
    meanMacs: count,
    secondMacs: count,
    top1: share,
    secondTop1: share,
  }),
});
export type Cascade = z.infer<typeof cascadeSchema>;

/**
 * @param lines parsed `cascades.json`
 * @param models that there are
 * @throws Error naming the line at fault, and what to do
 */
export function checkedCascades(lines: unknown, models: readonly string[]): Readonly<Record<string, Cascade>> {
  const parsed = z.record(modelIdSchema, cascadeSchema).safeParse(lines);
  if (!parsed.success) throw new Error(`models/cascades.json: ${z.prettifyError(parsed.error)}`);
  for (const [id, { first, second }] of Object.entries(parsed.data)) {
    if (models.includes(id)) throw new Error(`models/cascades.json, "${id}": a model is called so: call it otherwise`);
    const gone = [first, second].find((model) => !models.includes(model));
    if (gone !== undefined) throw new Error(`models/cascades.json, "${id}": there is no models/${gone}`);
    if (first === second) throw new Error(`models/cascades.json, "${id}": both of its networks are "${first}"`);
  }
  return parsed.data;
}
