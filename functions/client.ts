import type { Hono } from 'hono';
import { hc } from 'hono/client';
import type { BlankEnv } from 'hono/types';
import type { z } from 'zod';
import type { Answer, Answers } from './classify/answer.ts';
import type { Embeddings } from './classify/embedding.ts';
import { type Answered, Refused, refusedBy } from './client/refused.ts';
import type { imageBodySchema, picturesBodySchema } from './input/images.ts';
import type { Options } from './input/options.ts';
import type { modelDetailSchema, modelListSchema } from './routes/models.ts';

/** The routes of our own, in types of the schemas that they validate with: what Hono's `hc` takes. */
export type Api = Hono<
  BlankEnv,
  {
    '/models': { $get: Call<object, z.infer<typeof modelListSchema>> };
    '/models/:model': { $get: Call<{ param: { model: string } }, z.infer<typeof modelDetailSchema>> };
    '/classify/:model': {
      $post: Call<
        { param: { model: string }; json?: z.input<typeof imageBodySchema>; query?: QueryOptions },
        Answer | Answers
      >;
    };
    '/embed/:model': {
      $post: Call<
        {
          param: { model: string };
          json?: z.input<typeof picturesBodySchema>;
          query?: { format?: 'json'; normalize?: 'true' | 'false' };
        },
        Embeddings
      >;
    };
  },
  '/'
>;

type Call<Input, Output> = { input: Input; output: Output; outputFormat: 'json'; status: 200 };

type QueryOptions = { readonly [Name in keyof Options]?: string | string[] };

export { Refused };

/**
 * A client for browsers, Node and Workers.
 * @param base address of the service, such as `https://classifier.example.com`
 * @param key an API key or a client token, where the service wants one
 * @example
 * const { predictions } = await client('https://…').classify('fashion-mlp', file, { top_k: 3 });
 */
export function client(base: string, key?: string) {
  const api = hc<Api>(base, key ? { headers: { authorization: `Bearer ${key}` } } : {});
  return {
    /** For all else: one method for each route. */
    api,

    async models(): Promise<z.infer<typeof modelListSchema>['models']> {
      return (await understood(await api.models.$get({}))).models;
    },

    /** @throws Refused */
    async classify(
      model: string,
      picture: Blob | ArrayBuffer | Uint8Array<ArrayBuffer>,
      options: Options = {},
    ): Promise<Answer> {
      const body = picture instanceof Blob ? picture : new Blob([picture]);
      const headers = { 'content-type': 'application/octet-stream', ...(key && { authorization: `Bearer ${key}` }) };
      const call = { param: { model }, query: queryOf(options) };
      const answer = await api.classify[':model'].$post(call, { init: { body, headers } });
      return (await understood(answer)) as Answer;
    },

    /** Several at once, each with a status of its own. @throws Refused where none can be answered */
    async classifyAll(model: string, pictures: readonly Blob[], options: Options = {}): Promise<Answers> {
      const form = new FormData();
      for (const picture of pictures) form.append('images', picture);
      const call = { param: { model }, query: queryOf(options) };
      const init = { body: form, ...(key && { headers: { authorization: `Bearer ${key}` } }) };
      return (await understood(await api.classify[':model'].$post(call, { init }))) as Answers;
    },
  };
}

function queryOf(options: Options): QueryOptions {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, Array.isArray(value) ? value : String(value)]));
}

async function understood<T>(answer: Answered & { json(): Promise<T> }): Promise<T> {
  if (answer.ok) return answer.json();
  throw await refusedBy(answer);
}
