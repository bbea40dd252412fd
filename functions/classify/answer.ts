import { z } from 'zod';

/** What a classification answers, on the native route. */
export const predictionSchema = z.object({
  /** ImageNet's language-neutral name of the class, where it has one. */
  synset: z.string().optional(),
  label: z.string(),
  /** Position in the model's output. */
  index: z.int().nonnegative(),
  /** Probability, 0…1. */
  score: z.number(),
});
export type Prediction = z.infer<typeof predictionSchema>;

export const answerSchema = z.object({
  /** Highest score first. */
  predictions: z.array(predictionSchema),
  model: z.object({ id: z.string(), version: z.string(), revision: z.int() }),
});
export type Answer = z.infer<typeof answerSchema>;
