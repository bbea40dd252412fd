import type { Hono } from 'hono';
import type { Classify } from '../classify/classify.ts';
import { imageOf } from '../input/images.ts';
import { optionsOfQuery } from '../input/options.ts';
import { route } from './methods.ts';

/** `POST /classify/{model}?top_k=5&min_score=0.1&explain=cam`: the native route. */
export function classifyRoute(app: Hono, classify: Classify): void {
  route(app, '/classify/:model', {
    POST: async (c) => {
      const asked = optionsOfQuery(new URL(c.req.url).searchParams);
      const { image, options } = await imageOf(c.req.raw);
      const { top_k: topK, min_score: minScore, explain } = { ...asked, ...options };
      return c.json(await classify.image(c.req.param('model') ?? '', image, { topK, minScore, explain }));
    },
  });
}
