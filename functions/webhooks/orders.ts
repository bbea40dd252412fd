import { z } from 'zod';
import { mappingSchema } from './mapping.ts';

export const sourceNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a name of lower-case letters, digits and hyphens, at most 63');

/** What is made of each event of a source. */
export const ordersSchema = z.strictObject({
  model: z.string().min(1).max(63),
  mapping: mappingSchema,
  top_k: z.int().min(1).max(1000).optional(),
  callback_url: z.url().optional(),
});
export type Orders = z.infer<typeof ordersSchema>;
