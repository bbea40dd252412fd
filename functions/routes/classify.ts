import type { Hono } from 'hono';
import { type Caller, callerOf } from '../access/caller.ts';
import type { Answer, Answers } from '../classify/answer.ts';
import type { Classify, ClassifyOptions } from '../classify/classify.ts';
import { type Problem, ServiceError } from '../errors.ts';
import type { UrlRules } from '../input/fetch-url.ts';
import { type Picture, picturesOf } from '../input/images.ts';
import { optionsOfQuery } from '../input/options.ts';
import { conditional } from './conditional.ts';
import { route } from './methods.ts';

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

/**
 * `POST /classify/{model}?top_k=5&min_score=0.1&labels=Bag&explain=cam`: the native route.
 * @param problemOf what an error is in HTTP's terms
 * @param urlRules which addresses a caller may have fetched
 */
export function classifyRoute(
  app: Hono,
  classify: Classify,
  problemOf: (error: unknown) => Problem,
  urlRules: (caller: Caller | undefined) => UrlRules,
): void {
  route(app, '/classify/:model', {
    POST: async (c) => {
      const asked = optionsOfQuery(new URL(c.req.url).searchParams);
      const { pictures, several, options: beside } = await picturesOf(c.req.raw, urlRules(callerOf(c)));
      const { top_k: topK, min_score: minScore, labels, explain } = { ...asked, ...beside };
      const options = { topK, minScore, labels, explain };
      const model = c.req.param('model') ?? '';
      if (!several) return conditional(c, await classify.image(model, await pictures[0](), options));
      if (explain) throw explainsOne();
      return conditional(c, await answers(model, pictures, options));
    },
  });

  /**
   * One after the other: each takes all the memory that it needs, and others have their turn between them. The version
   * that answers the first answers all.
   */
  async function answers(id: string, pictures: readonly Picture[], options: ClassifyOptions): Promise<Answers> {
    const results: Answers['results'] = [];
    let model: Answer['model'] | undefined;
    for (const picture of pictures) {
      try {
        const answer = await classify.image(model ? `${model.id}@${model.revision}` : id, await picture(), options);
        model ??= answer.model;
        results.push({ status: 200, predictions: answer.predictions });
      } catch (error) {
        const { type, status, title, detail } = problemOf(error);
        if (!ITS_OWN.has(type)) throw error;
        results.push({ status, error: { type: `/problems#${type}`, title, detail } });
      }
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    return { results, model: model ?? (await classify.served(id)) };
  }
}

function explainsOne(): ServiceError {
  return new ServiceError(
    'bad-option',
    'An explanation takes up to 50 classifications, and there are several pictures.',
    'Ask for the explanation of one picture at a time.',
    { fields: [{ detail: 'is for one picture', pointer: '#/explain' }] },
  );
}
