import { z } from 'zod';
import { ServiceError } from '../errors.ts';

const explain = z.enum(['cam', 'occlusion']);

/** What a caller may ask of a classification, in the query string or beside the image in JSON. */
export const optionsSchema = z.strictObject({
  /** How many classes to answer, best first. */
  top_k: z.int().min(1).max(1000).optional(),
  /** Leave out classes with a lower score. */
  min_score: z.number().min(0).max(1).optional(),
  /** Also say where in the picture the first class is seen. */
  explain: explain.optional(),
});
export type Options = z.infer<typeof optionsSchema>;

/** Digits only: `Number` would take '', ' 5 ' and '0x5' too. */
const number = z
  .string()
  .regex(/^-?\d{1,15}(\.\d{1,15})?$/, 'expected a number')
  .transform(Number);

const querySchema = z.strictObject({
  top_k: number.pipe(z.int().min(1).max(1000)).optional(),
  min_score: number.pipe(z.number().min(0).max(1)).optional(),
  explain: explain.optional(),
});

/** @throws ServiceError `bad-option` naming each field. */
export function optionsOfQuery(search: URLSearchParams): Options {
  const query: Record<string, string> = Object.create(null);
  for (const [name, value] of search) {
    if (name in query) throw badOptions([{ detail: 'is given twice', pointer: name }]);
    query[name] = value;
  }
  const options = querySchema.safeParse({ ...query });
  if (!options.success) throw badOptions(fieldErrors(options.error));
  return options.data;
}

export function fieldErrors(error: z.ZodError): { detail: string; pointer: string }[] {
  return error.issues.map((issue) => ({ detail: issue.message, pointer: `#/${issue.path.join('/')}` }));
}

function badOptions(fields: { detail: string; pointer: string }[]): ServiceError {
  const named = fields.map(({ detail, pointer }) => `${pointer}: ${detail}`).join('; ');
  return new ServiceError(
    'bad-option',
    `The query is not understood (${named}).`,
    'Options are top_k, a whole number from 1 to 1000, min_score, a number from 0 to 1, and explain, cam or occlusion.',
    { fields },
  );
}
