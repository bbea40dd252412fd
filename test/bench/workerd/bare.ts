/**
 * The use case without what the service has around it: no middleware, no router, no options. What a request costs here,
 * decoding and the network cost.
 */
import { Catalogue } from '../../../functions/catalogue/catalogue.ts';
import { SHARED_ISOLATE_BYTES } from '../../../functions/catalogue/isolate-bytes.ts';
import { Residents } from '../../../functions/catalogue/resident.ts';
import { Classify } from '../../../functions/classify/classify.ts';
import { MemoryBudget } from '../../../functions/memory-budget.ts';
import { baseline, fused, jpeg, relaxed, tfjs } from '../../../functions/wasm.ts';

interface Env {
  readonly ASSETS: { fetch(address: string): Promise<Response> };
  readonly MODEL: string;
}

let classify: Classify | undefined;

function made({ ASSETS }: Env): Classify {
  const assets = {
    open: async (path: string) => {
      const response = await ASSETS.fetch(`https://assets.internal/models/${path}`);
      return response.ok ? response.body : null;
    },
  };
  const modules = { tfjs, jpeg, int8: { baseline, relaxed, fused } };
  const budget = new MemoryBudget(SHARED_ISOLATE_BYTES);
  const models = new Residents(assets, modules, budget);
  return new Classify({ catalogue: new Catalogue(assets), models, codecs: modules, budget });
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    classify ??= made(env);
    const image = new Uint8Array(await request.arrayBuffer());
    const options = { topK: undefined, minScore: undefined, explain: undefined };
    return Response.json(await classify.image(env.MODEL, image, options));
  },
};
