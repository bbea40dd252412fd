import { Hono } from 'hono';
import { Catalogue } from '../../../functions/catalogue/catalogue.ts';
import { Classify } from '../../../functions/classify/classify.ts';
import type { Models } from '../../../functions/classify/remote.ts';
import { ServiceError } from '../../../functions/errors.ts';
import jpeg from '../../../functions/image/jpeg/build/decoder.wasm';
import { MemoryBudget } from '../../../functions/memory-budget.ts';
import { problem, problemOf } from '../../../functions/middleware/problem.ts';
import { classifyRoute } from '../../../functions/routes/classify.ts';
import { foreignError } from '../../../functions/routes/error-forms.ts';
import { huggingFaceRoute } from '../../../functions/routes/hugging-face.ts';
import { openInferenceRoutes } from '../../../functions/routes/open-inference/routes.ts';
import { tensorFlowServingRoutes } from '../../../functions/routes/tensorflow-serving/routes.ts';
import { json, memoryAssets, memoryModel } from '../catalogue/model-folder.ts';

/** A 2x1 grey PNG, left 10, right 200. */
export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAAAAADRSSBWAAAAC0lEQVR4nGPgOgEAAN8A00shpUkAAAAASUVORK5CYII=';
export const picture = Uint8Array.from(atob(PNG), (c) => c.charCodeAt(0));

/** Of 2x1 grey; its logits are the pixels by 100, at temperature 2. */
const LOGITS = { output: { kind: 'logits', temperature: 2 }, revision: 7 };
/** Each of the two classes by itself, from its own threshold on. */
export const MULTILABEL = { task: 'multilabel', output: { kind: 'logits', temperature: 1, thresholds: [0.5, 0.9] } };
/** What it must say of left and right pixel: softmax of pixel / 100 / 2. */
export function scoresOf(left: number, right: number): [left: number, right: number] {
  const [a, b] = [Math.exp(left / 200), Math.exp(right / 200)];
  return [a / (a + b), b / (a + b)];
}

/** Every route over networks that are two numbers, so that a test takes no time; `fail` is thrown in place of running. */
export async function smallService(fail?: () => Error) {
  const folder = async (id: string, fields: object) => {
    const files = await memoryModel(id);
    const manifest = JSON.parse(new TextDecoder().decode(files.get('manifest.json')));
    return [id, files.set('manifest.json', json({ ...manifest, ...fields }))] as const;
  };
  const { input } = JSON.parse(new TextDecoder().decode((await memoryModel('m')).get('manifest.json')));
  const models = new Map([
    await folder('m', LOGITS),
    await folder('inception', { ...LOGITS, input: { ...input, scale: [1 / 127.5], offset: [-1] } }),
    await folder('ends-in-softmax', {}),
    await folder('multilabel', MULTILABEL),
    await folder('broken', { colour: 1 }),
  ]);
  const seen: number[][] = [];
  const running: Models = {
    with: (manifest, use) =>
      use({
        bytes: 0,
        async classify(pixels) {
          if (fail) throw fail();
          seen.push([...pixels]);
          const [left = 0, right = 0] = pixels;
          if (manifest.output.kind === 'softmax') return Float32Array.from(scoresOf(left, right));
          return Float32Array.of(left / 100, right / 100);
        },
        dispose() {},
      }),
  };
  const catalogue = new Catalogue(memoryAssets(models).assets);
  const budget = new MemoryBudget(50_000_000);
  const classify = new Classify({ catalogue, models: running, codecs: { jpeg }, budget });
  const app = new Hono();
  const refuse = (error: unknown, path: string) => foreignError(path, problemOf(error));
  app.onError((error, c) => refuse(error, c.req.path) ?? problem(error, c));
  app.notFound((c) => {
    const error = new ServiceError('route-unknown', 'Nothing answers.', 'Ask elsewhere.');
    return refuse(error, c.req.path) ?? problem(error, c);
  });
  classifyRoute(app, classify, problemOf, () => ({ allowHttpLoopback: false }));
  tensorFlowServingRoutes(app, catalogue, classify);
  openInferenceRoutes(app, catalogue, classify);
  huggingFaceRoute(app, catalogue, classify);
  const post = (path: string, body: BodyInit, headers: Record<string, string> = {}) =>
    Promise.resolve(app.request(path, { method: 'POST', body, headers }));
  const get = (path: string) => Promise.resolve(app.request(path));
  const postJson = async (path: string, value: unknown) => {
    const answer = await post(path, JSON.stringify(value), { 'content-type': 'application/json' });
    // biome-ignore lint/suspicious/noExplicitAny: each test knows the form that it expects
    return { status: answer.status, json: (await answer.json()) as any };
  };
  return { app, post, postJson, get, seen };
}
