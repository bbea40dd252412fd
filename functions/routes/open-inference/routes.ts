import type { Context, Hono } from 'hono';
import type { Catalogue, Entry } from '../../catalogue/catalogue.ts';
import type { Classify, Input } from '../../classify/classify.ts';
import { readBody } from '../../input/body.ts';
import { MAX_JSON_BYTES } from '../../input/images.ts';
import { checked, MAX_TENSOR_VALUES, parseJsonBody } from '../../input/json.ts';
import { route } from '../methods.ts';
import { entryOf } from '../versions.ts';
import { HEADER, unframed } from './binary-tensors.ts';
import { inputsOf, rawInput } from './inputs.ts';
import { configOf, indexOf, metadataOf, SERVER } from './metadata.ts';
import { answer, type Wanted, wantedOf } from './outputs.ts';
import { indexRequestSchema, inferRequestSchema } from './schema.ts';
import { Statistics } from './statistics.ts';

const TODO = 'See the Open Inference Protocol, and GET /v2/models/{model} for names, types and shapes.';
const MAX_INDEX_BYTES = 4_096;

/** `/v2/…`: the Open Inference Protocol with Triton's binary tensors, classification, configuration and statistics. */
export function openInferenceRoutes(app: Hono, catalogue: Catalogue, classify: Classify): void {
  const statistics = new Statistics();
  for (const path of ['/v2', '/v2/']) route(app, path, { GET: (c) => c.json(SERVER) });
  route(app, '/v2/health/live', { GET: (c) => c.json({ live: true }) });
  route(app, '/v2/health/ready', {
    GET: async (c) => {
      await catalogue.ids();
      return c.json({ live: true, ready: true });
    },
  });
  route(app, '/v2/models/stats', { GET: async (c) => c.json(statistics.of(await catalogue.list())) });
  route(app, '/v2/repository/index', {
    POST: async (c) => {
      const body = await readBody(c.req.raw, MAX_INDEX_BYTES);
      const value = body.length === 0 ? {} : parseJsonBody(body, { todo: TODO });
      return c.json(await indexOf(catalogue, checked(indexRequestSchema, value, TODO).ready ?? false));
    },
  });
  for (const model of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    route(app, model, { GET: async (c) => c.json(metadataOf((await entry(c)).manifest)) });
    route(app, `${model}/ready`, {
      GET: async (c) => c.json({ name: (await entry(c)).manifest.id, ready: true }),
    });
    route(app, `${model}/config`, { GET: async (c) => c.json(configOf((await entry(c)).manifest)) });
    route(app, `${model}/stats`, { GET: async (c) => c.json(statistics.of([(await entry(c)).manifest])) });
    route(app, `${model}/infer`, { POST: async (c) => counted(await entry(c), c.req.raw) });
  }

  const entry = (c: Context): Promise<Entry> => {
    const { model = '', version } = c.req.param();
    return entryOf(catalogue, model, version);
  };

  async function counted(entry: Entry, request: Request): Promise<Response> {
    const { id } = entry.manifest;
    try {
      const asked = await read(entry, request);
      const scores: Float32Array[] = [];
      for (const input of asked.inputs) scores.push(await classify.scores(entry, input));
      statistics.succeeded(id, scores.length);
      return answer(entry, asked.id, scores, asked.wanted);
    } catch (error) {
      statistics.failed(id);
      throw error;
    }
  }
}

interface Asked {
  readonly id: string | undefined;
  readonly inputs: readonly Input[];
  readonly wanted: Wanted;
}

async function read({ manifest }: Entry, request: Request): Promise<Asked> {
  const body = await readBody(request, MAX_JSON_BYTES);
  const parts = unframed(request.headers.get(HEADER), body);
  if (parts === 'raw') {
    return { id: undefined, inputs: [rawInput(body)], wanted: { classification: undefined, binary: true } };
  }
  const value = parseJsonBody(parts.json, { maxValues: MAX_TENSOR_VALUES, todo: TODO });
  const asked = checked(inferRequestSchema, value, TODO);
  return { id: asked.id, inputs: inputsOf(asked, parts.tensors, manifest), wanted: wantedOf(asked) };
}
