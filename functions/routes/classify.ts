import type { Hono } from 'hono';
import { type Caller, callerOf } from '../access/caller.ts';
import { ownerOf } from '../access/owner.ts';
import type { Answer, Answers } from '../classify/answer.ts';
import type { Classify, ClassifyOptions } from '../classify/classify.ts';
import { type Problem, ServiceError } from '../errors.ts';
import type { Heads } from '../heads/heads.ts';
import type { UrlRules } from '../input/fetch-url.ts';
import { type Picture, picturesOf } from '../input/images.ts';
import { type Options, optionsOfQuery, searchOf } from '../input/options.ts';
import { classifyOptions } from './classify-options.ts';
import { conditional } from './conditional.ts';
import { noHeads } from './heads-paths.ts';
import { route } from './methods.ts';
import { eachOf } from './several.ts';

type Ask = (model: string, image: Uint8Array<ArrayBuffer>) => Promise<Answer>;

/** What can be asked of a caller's own classes. */
const OF_HEADS = new Set(['head', 'top_k', 'min_score']);

/**
 * `POST /classify/{model}?top_k=5&min_score=0.1&labels=Bag&explain=cam`: the native route.
 * @param problemOf what an error is in HTTP's terms
 * @param urlRules which addresses a caller may have fetched
 * @param heads classes of callers' own, where this host keeps them
 */
export function classifyRoute(
  app: Hono,
  classify: Classify,
  problemOf: (error: unknown) => Problem,
  urlRules: (caller: Caller | undefined) => UrlRules,
  heads?: Heads,
): void {
  route(app, '/classify/:model', {
    POST: async (c) => {
      const asked = optionsOfQuery(searchOf(c.req.url));
      const { pictures, several, options: beside } = await picturesOf(c.req.raw, urlRules(callerOf(c)));
      const all = { ...asked, ...beside };
      const options = classifyOptions(all);
      const model = c.req.param('model') ?? '';
      const ask = all.head === undefined ? byModel(options) : byHead(ownerOf(callerOf(c)), all.head, all);
      if (!several) return conditional(c, await ask(model, await pictures[0]()));
      if (options.explain) throw explainsOne();
      return conditional(c, await answers(model, pictures, ask));
    },
  });

  const byModel =
    (options: ClassifyOptions): Ask =>
    (version, image) =>
      classify.image(version, image, options);

  function byHead(owner: string, id: string, options: Options): Ask {
    if (!heads) throw noHeads();
    const left = Object.keys(options).filter((name) => !OF_HEADS.has(name));
    if (left.length > 0) throw notOfHeads(left);
    return (version, image) => heads.image(owner, id, version, image, classifyOptions(options));
  }

  async function answers(id: string, pictures: readonly Picture[], ask: Ask): Promise<Answers> {
    const { results, model } = await eachOf(id, pictures, ask, problemOf);
    return {
      results: results.map((one) => ('error' in one ? one : resultOf(one))),
      model: model ?? (await classify.served(id)),
    };
  }
}

function resultOf({
  model: _,
  explanation: __,
  head: ___,
  receipt: ____,
  ...said
}: Answer): Answers['results'][number] {
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

function notOfHeads(names: readonly string[]): ServiceError {
  return new ServiceError(
    'bad-option',
    `Classes of your own have no ${names.join(', ')}.`,
    'Beside head there are top_k and min_score.',
    { fields: names.map((name) => ({ detail: 'is not for a head', pointer: `#/${name}` })) },
  );
}
