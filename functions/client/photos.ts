import type { Answer } from '../classify/answer.ts';
import type { Options } from '../input/options.ts';
import type { Advice } from '../routes/models.ts';
import { prepare } from './prepare.ts';
import { fetchPatiently, type RetryOptions } from './retry.ts';

export { prepare } from './prepare.ts';
export { Refused } from './refused.ts';
export { fetchPatiently, type RetryOptions } from './retry.ts';

/**
 * Photos of people, from a page, over whatever network they have: made as small as the model's advice allows, and sent
 * again where the first time failed. Nothing but the browser is needed.
 * @param base address of the service, such as `https://classifier.example.com`
 * @param key a client token (`POST /tokens`), where the service wants one
 * @example
 * const { predictions } = await photos('https://…').classify('resnet50', input.files[0], { top_k: 3 });
 */
export function photos(base: string, key?: string) {
  const headers: Record<string, string> = key ? { authorization: `Bearer ${key}` } : {};
  const known = new Map<string, Promise<Advice | null>>();
  const address = (route: string, model: string) => `${base.replace(/\/+$/, '')}/${route}/${encodeURIComponent(model)}`;

  async function ask(model: string, retry: RetryOptions): Promise<Advice | null> {
    const answer = await fetchPatiently(address('models', model), { headers }, retry);
    return ((await answer.json()) as { upload?: Advice | null }).upload ?? null;
  }

  async function advice(model: string, retry: RetryOptions = {}): Promise<Advice | null> {
    const asked = known.get(model) ?? ask(model, retry);
    known.set(model, asked);
    try {
      return await asked;
    } catch {
      known.delete(model);
      retry.signal?.throwIfAborted();
      return null;
    }
  }

  return {
    /** Asked for once a model; null where nothing was measured or nothing could be learnt, as of a cascade. */
    advice,

    /** @throws Refused, or what {@link fetchPatiently} throws */
    async classify(model: string, file: Blob, options: Options = {}, retry: RetryOptions = {}): Promise<Answer> {
      const body = await prepare(file, await advice(model, retry));
      retry.signal?.throwIfAborted();
      const call = { method: 'POST', headers: { ...headers, 'content-type': 'application/octet-stream' }, body };
      const answer = await fetchPatiently(`${address('classify', model)}${queryOf(options)}`, call, retry);
      return (await answer.json()) as Answer;
    },
  };
}

function queryOf(options: Options): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) query.append(name, String(one));
  }
  return query.size > 0 ? `?${query}` : '';
}
