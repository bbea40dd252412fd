import { z } from 'zod';
import { bytes, errors } from './path-parts.ts';

/** What the routes of our own take and refuse alike, as OpenAPI has it. */

const problem = z
  .object({
    type: z
      .string()
      .meta({ description: 'Of which kind, to be compared by programs.', examples: ['/problems#bad-json'] }),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'What happened, why, and what to do.' }),
    instance: z.string(),
    errors: z.array(z.object({ detail: z.string(), pointer: z.string() })).optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457' });

/** Problem documents of these statuses, and of those that access has. */
export const problems = (...statuses: Parameters<typeof errors>[2]) =>
  errors(problem, 'application/problem+json', statuses);

/** A form of pictures. */
export const form = z
  .object({ image: bytes.optional(), images: z.array(bytes).optional() })
  .meta({ description: 'One file named image, or several named images.' });
