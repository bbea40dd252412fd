import { z } from 'zod';
import { ServiceError } from '../errors.ts';

const explain = z
  .enum(['cam', 'occlusion'])
  .meta({ description: 'Also say where in the picture the first class is seen.' });
const labels = z
  .array(z.string().min(1).max(200))
  .min(1)
  .max(100)
  .meta({ description: 'Keep only these classes: labels as the model names them, or synsets (n02123045).' });
const topK = z.int().min(1).max(1000).meta({
  description: 'How many classes to answer, best first; if not given 5, or of a multi-label model all that are named.',
});
const minScore = z.number().min(0).max(1).meta({
  description: 'Leave out classes with a lower score; of a multi-label model in place of the threshold of each class.',
});

const within = z.string().min(1).max(200).meta({
  description:
    'A group of classes, by label or synset: choose from its classes alone, their scores brought to a sum of 1.',
});
const coverage = z.number().min(0.5).max(0.99).meta({
  description: 'Also answer the smallest set of labels that holds the true one so often, such as 0.95.',
});
const yes = (description: string) => z.union([z.boolean(), z.literal([0, 1]).transform(Boolean)]).meta({ description });
const head = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'is no name of a head')
  .meta({
    description: 'Tell by classes of your own, those of this head, which has to be of this model (/heads).',
  });
const ROLLUP = 'Also say what it is in wider terms: the groups that its classes belong to.';
const RECEIPT = 'Sign which network said what of which picture, to be computed again by anybody.';
const REJECT_UNKNOWN = 'Name no class where none fits (unknown.is_unknown).';

/** What a caller may ask of a classification, in the query string or beside the image in JSON. */
export const optionsSchema = z.strictObject({
  top_k: topK.optional(),
  min_score: minScore.optional(),
  labels: labels.optional(),
  explain: explain.optional(),
  rollup: yes(ROLLUP).optional(),
  within: within.optional(),
  reject_unknown: yes(REJECT_UNKNOWN).optional(),
  coverage: coverage.optional(),
  head: head.optional(),
  receipt: yes(RECEIPT).optional(),
});
export type Options = z.infer<typeof optionsSchema>;

/** Digits only: `Number` would take '', ' 5 ' and '0x5' too. */
export const numberInText = z
  .string()
  .regex(/^-?\d{1,15}(\.\d{1,15})?$/, 'expected a number')
  .transform(Number);

const yesInText = z.enum(['1', '0', 'true', 'false']).transform((text) => text === '1' || text === 'true');

/** The same in a query string, where `labels` is given once for each. */
export const querySchema = z.strictObject({
  top_k: numberInText.pipe(topK).optional(),
  min_score: numberInText.pipe(minScore).optional(),
  labels: labels.optional(),
  explain: explain.optional(),
  rollup: yesInText.optional(),
  within: within.optional(),
  reject_unknown: yesInText.optional(),
  coverage: numberInText.pipe(coverage).optional(),
  head: head.optional(),
  receipt: yesInText.optional(),
});

/** Options that may be given several times. */
const REPEATED = new Set(['labels']);

/** @throws ServiceError `bad-option` naming each field. */
export function optionsOfQuery(search: URLSearchParams): Options {
  if (search.size === 0) return {};
  return queryOf(
    search,
    querySchema,
    'Options are top_k, a whole number from 1 to 1000, min_score, a number from 0 to 1, labels, once for each class to keep, explain, cam or occlusion, rollup, reject_unknown and receipt, 1 or 0, within, a group of classes, coverage, a number from 0.5 to 0.99, and head, classes of your own.',
  );
}

/**
 * A query string as a schema says; none of its names may be given twice, but for those that are lists.
 * @throws ServiceError `bad-option` naming each field
 */
export function queryOf<T extends z.ZodType>(search: URLSearchParams, schema: T, todo: string): z.infer<T> {
  const query: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of search) {
    const before = query[name];
    if (REPEATED.has(name)) query[name] = [...(Array.isArray(before) ? before : []), value];
    else if (before === undefined) query[name] = value;
    else throw badOptions([{ detail: 'is given twice', pointer: name }], todo);
  }
  const options = schema.safeParse({ ...query });
  if (!options.success) throw badOptions(fieldErrors(options.error), todo);
  return options.data;
}

export function fieldErrors(error: z.ZodError): { detail: string; pointer: string }[] {
  return error.issues.map((issue) => ({ detail: issue.message, pointer: `#/${issue.path.join('/')}` }));
}

function badOptions(fields: { detail: string; pointer: string }[], todo: string): ServiceError {
  const named = fields.map(({ detail, pointer }) => `${pointer}: ${detail}`).join('; ');
  return new ServiceError('bad-option', `The query is not understood (${named}).`, todo, { fields });
}

/** The parameters of an address; most have none, and to parse an address takes longer than to see that. */
export const searchOf = (address: string): URLSearchParams =>
  address.includes('?') ? new URL(address).searchParams : new URLSearchParams();
