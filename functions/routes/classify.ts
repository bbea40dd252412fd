import type { Hono } from 'hono';
import { type Caller, callerOf } from '../access/caller.ts';
import type { Answer, Answers } from '../classify/answer.ts';
import type { Classify, ClassifyOptions } from '../classify/classify.ts';
import { type Problem, ServiceError } from '../errors.ts';
import type { UrlRules } from '../input/fetch-url.ts';
import { type Picture, picturesOf } from '../input/images.ts';
import { optionsOfQuery, searchOf } from '../input/options.ts';
import { classifyOptions } from './classify-options.ts';
import { conditional } from './conditional.ts';
import { route } from './methods.ts';
import { eachOf } from './several.ts';

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
      const asked = optionsOfQuery(searchOf(c.req.url));
      const { pictures, several, options: beside } = await picturesOf(c.req.raw, urlRules(callerOf(c)));
      const options = classifyOptions({ ...asked, ...beside });
      const model = c.req.param('model') ?? '';
      if (!several) return conditional(c, await classify.image(model, await pictures[0](), options));
      if (options.explain) throw explainsOne();
      return conditional(c, await answers(model, pictures, options));
    },
  });

  async function answers(id: string, pictures: readonly Picture[], options: ClassifyOptions): Promise<Answers> {
    const ask = (version: string, image: Uint8Array<ArrayBuffer>) => classify.image(version, image, options);
    const { results, model } = await eachOf(id, pictures, ask, problemOf);
    return {
      results: results.map((one) => ('error' in one ? one : resultOf(one))),
      model: model ?? (await classify.served(id)),
    };
  }
}

function resultOf({ model: _, explanation: __, ...said }: Answer): Answers['results'][number] {
  return { status: 200, ...said };
}

function explainsOne(): ServiceError {
  return new ServiceError(
    'bad-option',
    'An explanation takes up to 50 classifications, and there are several pictures.',
    'Ask for the explanation of one picture at a time.',
    { fields: [{ detail: 'is for one picture', pointer: '#/explain' }] },
  );
}
