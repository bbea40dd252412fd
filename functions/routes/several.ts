import type { z } from 'zod';
import type { Answer, refusedSchema } from '../classify/answer.ts';
import type { Problem } from '../errors.ts';
import type { Picture } from '../input/images.ts';

/** Why one picture of several may fail while the others are answered. */
const ITS_OWN = new Set<Problem['type']>([
  'bad-base64',
  'body-empty',
  'body-too-large',
  'image-unsupported',
  'image-damaged',
  'image-too-large',
  'address-refused',
  'fetch-failed',
  'busy',
]);

type Refused = z.infer<typeof refusedSchema>;

/**
 * One picture after the other: each takes all the memory that it needs, and others have their turn between them. The
 * version that answers the first answers all.
 * @param id a model, or a version of it
 * @param answer asks that model about one picture
 * @param problemOf what an error is in HTTP's terms
 * @throws ServiceError what is wrong with more than one picture
 */
export async function eachOf<T extends { readonly model: Answer['model'] }>(
  id: string,
  pictures: readonly Picture[],
  answer: (id: string, image: Uint8Array<ArrayBuffer>) => Promise<T>,
  problemOf: (error: unknown) => Problem,
): Promise<{ readonly results: (T | Refused)[]; readonly model: Answer['model'] | undefined }> {
  const results: (T | Refused)[] = [];
  let model: Answer['model'] | undefined;
  for (const picture of pictures) {
    try {
      // Of a cascade each picture is answered by one or the other.
      const pinned = model && model.id === id.split('@')[0] ? `${model.id}@${model.revision}` : id;
      const answered = await answer(pinned, await picture());
      model ??= answered.model;
      results.push(answered);
    } catch (error) {
      const { type, status, title, detail } = problemOf(error);
      if (!ITS_OWN.has(type)) throw error;
      results.push({ status, error: { type: `/problems#${type}`, title, detail } });
    }
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return { results, model };
}
