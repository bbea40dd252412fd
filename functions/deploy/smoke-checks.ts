import { z } from 'zod';

/** An ankle boot of Fashion-MNIST's test set, 28 x 28 and grey, as a PNG. */
const SAMPLE =
  'iVBORw0KGgoAAAANSUhEUgAAABwAAAAcCAAAAABXZoBIAAAACXBIWXMAAAPoAAAD6AG1e1JrAAABVUlEQVQoz2NgGNaAmZGBgZ1BFV2YkYlBOoQbwi7HkGRgiOjPA7HEYrPQJVkYTBsrJq+fu6x91ooeNDkmBu7OpoYFG+Yv3zR1+gQk85gYGZgZGIqLsjpXzJyzdHn/3HnccKtAjmRgiOyOips5tXn6yjX981cawA1kASlI6sjLzVvUPmHq/OUT5q0EO5eJCegDIJDKKU3OL+2Y0zZr1pwFvZPnbAIbBgKipjGl+enFjW39s5aumjV9Vn/XtKXaQHFxM0ef0LKG6vzCsvra7taOBT2zF06YvWbhXjsGBpe4qPyi/KLi+vaO/rp6oJ4ptYsWTeiaueiIFYPbysaMpJS4xKS0nKzyisapc5bv23fk2LHdR/fuUGEQqFu9Z8+O1TPbK+rqJ+08fPHC/4sbv/75/fv7nXOGIMfwOGct2Xn80uVLF/ZNC+IACmy6sGf9onnTuYdWYgIA6AOCsVRZKksAAAAASUVORK5CYII=';
const picture = Uint8Array.from(atob(SAMPLE), (character) => character.charCodeAt(0));

/** A model that was never asked may have to be loaded first. */
const PATIENCE_MS = 60_000;

export interface Row {
  readonly check: string;
  readonly ok: boolean;
  readonly ms: number;
  /** What was seen, or what is wrong. */
  readonly says: string;
}

interface Asked {
  readonly body?: BodyInit;
  readonly key?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What is wrong, in one line. */
class Wrong extends Error {}

const prediction = z.object({ label: z.string(), score: z.number().min(0).max(1) });
const modelsSchema = z.object({ models: z.array(z.object({ id: z.string() })).min(1) });
const answerSchema = z.object({ predictions: z.array(prediction).min(1).max(3), model: z.object({ id: z.string() }) });

/**
 * Looks at a deployment from outside, one thing after the other: what fails stops none of the rest.
 * @throws Error where nothing listens at all
 */
export async function smoke(base: string, key: string | undefined, report: (row: Row) => void): Promise<void> {
  const ask = (path: string, { body, key, headers = {} }: Asked = {}): Promise<Response> =>
    fetch(new URL(path, base), {
      method: body === undefined ? 'GET' : 'POST',
      ...(body !== undefined && { body }),
      headers: { ...headers, ...(key !== undefined && { authorization: `Bearer ${key}` }) },
      signal: AbortSignal.timeout(PATIENCE_MS),
      redirect: 'manual',
    });

  async function check(name: string, look: () => Promise<string>): Promise<void> {
    const began = performance.now();
    const row = await look().then(
      (says) => ({ ok: true, says }),
      (error: unknown) => ({ ok: false, says: reason(error) }),
    );
    report({ check: name, ms: performance.now() - began, ...row });
  }

  /** The body of an answer of that status, as the schema says. */
  async function json<T extends z.ZodType>(schema: T, answer: Response, status = 200): Promise<z.infer<T>> {
    const text = await answer.text();
    expectStatus(answer, status, text);
    return schema.parse(JSON.parse(text));
  }

  // Nothing else can be asked where this fails.
  const live = await ask('/health/live');
  await check('live', async () => text(await json(z.object({ live: z.literal(true) }), live)));
  await check('ready', async () => {
    const { models } = await json(
      z.object({ ready: z.literal(true), models: z.int().positive() }),
      await ask('/health/ready'),
    );
    return `${models} models`;
  });

  const stranger = await ask('/models');
  await stranger.body?.cancel();
  const protectedByKeys = stranger.status === 401;
  await check('keys', async () => {
    if (!protectedByKeys) {
      if (key !== undefined) throw new Wrong(`a stranger gets ${stranger.status} at /models: ACCESS is not on`);
      return 'none needed: everything is open (ACCESS is off)';
    }
    for (const path of ['/models', '/metrics', '/v2', '/v1/models/x', '/nothing']) await refused(path, {});
    await refused('/models', { key: `ek_000000000000_${'A'.repeat(43)}` });
    if (key === undefined) throw new Wrong('are demanded; give one with --key to check the rest');
    return 'strangers and a made-up key are refused';
  });
  async function refused(path: string, asked: Asked): Promise<void> {
    const answer = await ask(path, asked);
    await answer.body?.cancel();
    if (answer.status !== 401) throw new Wrong(`${path} answers ${answer.status} to a stranger, not 401`);
  }

  await check('page', async () => {
    const answer = await ask('/');
    expectStatus(answer, 200, await answer.text());
    return policyOf(answer);
  });
  await check('docs', async () => {
    const answer = await ask('/docs');
    const html = await answer.text();
    expectStatus(answer, 200, html);
    if (!html.includes('/classify/{model}')) throw new Wrong('/docs does not describe /classify/{model}');
    return policyOf(answer);
  });
  await check('openapi', async () => {
    const answer = await ask('/openapi.json');
    const { openapi, paths } = await json(
      z.object({ openapi: z.string(), paths: z.record(z.string(), z.unknown()) }),
      answer,
    );
    return `OpenAPI ${openapi}, ${Object.keys(paths).length} addresses`;
  });
  await check('security headers', async () => {
    for (const [name, value] of HEADERS) {
      if (!value.test(live.headers.get(name) ?? '')) throw new Wrong(`${name} is "${live.headers.get(name) ?? ''}"`);
    }
    return HEADERS.map(([name]) => name).join(', ');
  });
  await check('request id, traceparent', async () => {
    const headers = { 'x-request-id': 'smoke', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
    const answer = await ask('/health/live', { headers });
    await answer.body?.cancel();
    if (answer.headers.get('x-request-id') !== 'smoke') throw new Wrong('x-request-id is not kept');
    if (!answer.headers.get('traceparent')?.includes('a'.repeat(32))) throw new Wrong('the trace is not continued');
    return 'carried on';
  });
  if (protectedByKeys && key === undefined) return;

  let ids: string[] = [];
  await check('models', async () => {
    ids = (await json(modelsSchema, await ask('/models', { key }))).models.map(({ id }) => id);
    return ids.join(', ');
  });
  for (const id of ids) {
    await check(`classify ${id}`, async () => {
      const { predictions, model } = await json(
        answerSchema,
        await ask(`/classify/${id}?top_k=3`, { body: picture, key }),
      );
      if (model.id !== id) throw new Wrong(`${model.id} has answered`);
      const [first] = predictions;
      return `${first?.label} ${first?.score.toFixed(2)}`;
    });
  }
  const id = ids.find((name) => name.startsWith('fashion')) ?? ids[0];
  if (id === undefined) return;
  await check('x-cache', async () => {
    const seen: string[] = [];
    for (let i = 0; i < 2; i++) {
      const answer = await ask(`/classify/${id}?top_k=1`, { body: picture, key });
      expectStatus(answer, 200, await answer.text());
      const cache = answer.headers.get('x-cache') ?? '';
      if (!['hit', 'miss', 'bypass'].includes(cache)) throw new Wrong(`x-cache is "${cache}"`);
      seen.push(cache);
    }
    return seen.join(', then ');
  });
  await check('no picture', async () => {
    const problem = z.object({ type: z.string(), detail: z.string() });
    const answer = await ask(`/classify/${id}`, { body: 'no picture', key });
    return (await json(problem, answer, 415)).type;
  });
  const post = (value: unknown): Asked => ({
    body: JSON.stringify(value),
    key,
    headers: { 'content-type': 'application/json' },
  });
  await check('TensorFlow Serving', async () => {
    const status = z.object({
      model_version_status: z.array(z.object({ version: z.string(), state: z.literal('AVAILABLE') })).min(1),
    });
    const { model_version_status: versions } = await json(status, await ask(`/v1/models/${id}`, { key }));
    const answer = await ask(`/v1/models/${id}:predict`, post({ instances: [{ b64: SAMPLE }] }));
    await json(z.object({ predictions: z.array(z.array(z.number())).length(1) }), answer);
    return `version ${versions.map(({ version }) => version).join(', ')}`;
  });
  await check('Open Inference Protocol', async () => {
    const tensors = z.array(z.object({ name: z.string() })).min(1);
    const described = await json(
      z.object({ inputs: tensors, outputs: tensors }),
      await ask(`/v2/models/${id}`, { key }),
    );
    const input = { name: described.inputs[0]?.name, datatype: 'BYTES', shape: [1], data: [SAMPLE] };
    const answer = await ask(`/v2/models/${id}/infer`, post({ inputs: [input] }));
    const output = z.object({ datatype: z.literal('FP32'), shape: z.array(z.int()) });
    const { outputs } = await json(z.object({ outputs: z.array(output).length(1) }), answer);
    return `FP32 [${outputs[0]?.shape.join(', ')}]`;
  });
  await check('Hugging Face', async () => {
    const answer = await ask(`/hf/models/${id}?top_k=1`, { body: picture, key });
    const [first] = await json(z.array(prediction).length(1), answer);
    return `${first?.label} ${first?.score.toFixed(2)}`;
  });
}

/** What every answer has. */
const HEADERS: readonly (readonly [name: string, value: RegExp])[] = [
  ['content-security-policy', /default-src 'none'/],
  ['x-content-type-options', /^nosniff$/],
  ['x-frame-options', /^DENY$/],
  ['referrer-policy', /^no-referrer$/],
  ['strict-transport-security', /max-age=\d{7}/],
];

function policyOf(answer: Response): string {
  const policy = answer.headers.get('content-security-policy') ?? '';
  if (/default-src '(self|none)'/.test(policy) && !policy.includes('unsafe')) return 'strict policy';
  throw new Wrong(`its Content-Security-Policy is "${policy}"`);
}

function expectStatus(answer: Response, status: number, text: string): void {
  if (answer.status !== status) throw new Wrong(`${answer.status}, not ${status}: ${text.slice(0, 200).trim()}`);
}

const text = (value: object): string => Object.keys(value).join(', ');

function reason(error: unknown): string {
  if (error instanceof Wrong) return error.message;
  if (error instanceof z.ZodError) return z.prettifyError(error).replaceAll(/\s+/g, ' ');
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
