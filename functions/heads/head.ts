import { z } from 'zod';
import { modelIdSchema } from '../catalogue/manifest.ts';
import { refusedSchema } from '../classify/answer.ts';
import { ServiceError } from '../errors.ts';

/** Classes of a caller's own: what `/heads` takes and answers. */

export const MAX_HEADS = 100;
export const MAX_CLASSES = 1000;
export const MAX_PICTURES = 50;

export const headIdSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a head is called 1 to 63 of a-z, 0-9 and "-", beginning with a letter or digit')
  .meta({ examples: ['my-shelf'] });

export const headLabelSchema = z
  .string()
  .min(1, 'a class needs a name')
  .max(100, 'a class is called by at most 100 characters')
  .regex(/^[^\p{Cc}\p{Cs}]+$/u, 'a name has no control characters')
  .refine((text) => text === text.trim(), 'a name does not begin or end with a space');

export const headBodySchema = z
  .strictObject({ base: modelIdSchema.meta({ description: 'A model that has embeddings (GET /models).' }) })
  .meta({ id: 'HeadBody' });

export const headSchema = z
  .object({
    id: headIdSchema,
    base: z.object({ id: z.string(), version: z.string(), revision: z.int() }).meta({
      description: 'The model whose embeddings are compared, in the version that it had when the head was made.',
    }),
    version: z.string().meta({ description: 'Of its content: the same classes, pictures and base have the same.' }),
    temperature: z.number().meta({ description: 'Scores are the softmax of cosine / temperature.' }),
    classes: z.array(z.object({ label: z.string(), images: z.int() })).meta({ description: 'In the order of labels.' }),
    created_at: z.string(),
    changed_at: z.string(),
  })
  .meta({ id: 'Head' });
export type HeadDescription = z.infer<typeof headSchema>;

export const headListSchema = z
  .object({ heads: z.array(z.object({ id: headIdSchema, base: z.string(), classes: z.int(), images: z.int() })) })
  .meta({ id: 'HeadList' });

export const additionSchema = z
  .object({
    head: headSchema,
    label: z.string(),
    added: z.int(),
    results: z
      .array(z.union([z.object({ status: z.literal(200) }), refusedSchema]))
      .meta({ description: 'One a picture, in their order: what could not be read was not added.' }),
  })
  .meta({ id: 'HeadAddition' });
export type Addition = z.infer<typeof additionSchema>;

export const unknownHead = (id: string): ServiceError =>
  new ServiceError(
    'head-unknown',
    `There is no head "${id.slice(0, 63)}".`,
    'GET /heads lists yours; PUT /heads/{id} with {"base": "<model>"} makes one.',
  );

export const headConflict = (what: string, todo: string): ServiceError => new ServiceError('head-conflict', what, todo);
