import { z } from 'zod';
import { answerSchema, refusedSchema } from './answer.ts';

/** What `POST /embed/{model}` answers. */

const embeddingSchema = z
  .object({
    id: z.string().meta({ description: 'SHA-256 of the picture as it was sent.' }),
    dims: z.int(),
    data: z.array(z.number()).meta({ description: 'float32; of length 1 unless normalize=false.' }),
  })
  .meta({ id: 'Embedding' });

export const embeddingsSchema = z
  .object({
    embeddings: z
      .array(z.union([embeddingSchema, refusedSchema]))
      .meta({ description: 'In the order of the pictures; of several one may be refused, with a status of its own.' }),
    model: answerSchema.shape.model,
  })
  .meta({ id: 'Embeddings' });
export type Embeddings = z.infer<typeof embeddingsSchema>;

/** A vector of length 1 in the same direction, float32; nothing but zeros stays so. */
export function normalized(values: Float32Array): Float32Array {
  let sum = 0;
  for (const value of values) sum += value * value;
  const length = Math.sqrt(sum);
  return length > 0 ? values.map((value) => value / length) : values;
}

/** Value by value, `value ≈ scale · byte`: the largest magnitude becomes 127. */
export function toInt8(values: Float32Array): { readonly bytes: Int8Array; readonly scale: number } {
  const most = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const scale = most / 127;
  return { bytes: Int8Array.from(values, (value) => (most > 0 ? Math.round(value / scale) : 0)), scale };
}
