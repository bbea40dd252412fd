import type { Context, Hono } from 'hono';
import type { Catalogue, Entry } from '../../catalogue/catalogue.ts';
import type { Manifest } from '../../catalogue/manifest.ts';
import type { Classify, Input } from '../../classify/classify.ts';
import { readBody } from '../../input/body.ts';
import { MAX_JSON_BYTES } from '../../input/images.ts';
import { checked, MAX_TENSOR_VALUES, parseJsonBody } from '../../input/json.ts';
import { conditionalBody } from '../conditional.ts';
import { route } from '../methods.ts';
import { entryOf } from '../versions.ts';
import { type Framed, HEADER, unframed } from './binary-tensors.ts';
import { inputsOf, rawInput } from './inputs.ts';
import { configOf, indexOf, metadataOf, SERVER } from './metadata.ts';
import { answer, type Wanted, wantedOf } from './outputs.ts';
import { indexRequestSchema, inferRequestSchema } from './schema.ts';
import { Statistics } from './statistics.ts';

const TODO = 'See the Open Inference Protocol, and GET /v2/models/{model} for names, types and shapes.';
const MAX_INDEX_BYTES = 4_096;
/** Where no model can be: a pattern of its own would be one that the fast router cannot tell apart. */
const ALL_STATISTICS = '/v2/models/stats';

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
  route(app, '/v2/repository/index', {
    POST: async (c) => {
      const body = await readBody(c.req.raw, MAX_INDEX_BYTES);
      const value = body.length === 0 ? {} : parseJsonBody(body, { todo: TODO });
      return c.json(await indexOf(catalogue, checked(indexRequestSchema, value, TODO).ready ?? false));
    },
  });
  for (const model of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    route(app, model, {
      GET: async (c) => {
        if (c.req.path === ALL_STATISTICS) return c.json(statistics.of(await all()));
        const { manifest } = await entry(c);
        return c.json(metadataOf(manifest, await versionsOf(c, manifest)));
      },
    });
    route(app, `${model}/ready`, {
      GET: async (c) => c.json({ name: (await entry(c)).manifest.id, ready: true }),
    });
    route(app, `${model}/config`, {
      GET: async (c) => {
        const { manifest } = await entry(c);
        return c.json(configOf(manifest, await versionsOf(c, manifest)));
      },
    });
    route(app, `${model}/stats`, {
      GET: async (c) => c.json(statistics.of(await versionsOf(c, (await entry(c)).manifest))),
    });
    route(app, `${model}/infer`, {
      POST: async (c) => {
        const body = await readBody(c.req.raw, MAX_JSON_BYTES);
        const answered = await counted(await entry(c, body), body, c.req.header(HEADER) ?? null);
        return conditionalBody(c, answered.body, answered.headers);
      },
    });
  }

  const all = async (): Promise<readonly Manifest[]> => {
    const versions = await Promise.all((await catalogue.list()).map(({ id }) => catalogue.versions(id)));
    return versions.flat().map(({ manifest }) => manifest);
  };

  const entry = (c: Context, body?: Uint8Array<ArrayBuffer>): Promise<Entry> => {
    const { model = '', version } = c.req.param();
    return entryOf(catalogue, model, version, body);
  };

  /** The one that an address names; all where it names none. */
  async function versionsOf(c: Context, manifest: Manifest): Promise<readonly Manifest[]> {
    if (c.req.param('version') !== undefined) return [manifest];
    return (await catalogue.versions(manifest.id)).map((version) => version.manifest);
  }

  async function counted(entry: Entry, body: Uint8Array<ArrayBuffer>, header: string | null): Promise<Framed> {
    const { manifest } = entry;
    try {
      const asked = read(entry, body, header);
      const scores: Float32Array[] = [];
      for (const input of asked.inputs) scores.push(await classify.scores(entry, input));
      statistics.succeeded(manifest, scores.length);
      return answer(entry, asked.id, scores, asked.wanted);
    } catch (error) {
      statistics.failed(manifest);
      throw error;
    }
  }
}

interface Asked {
  readonly id: string | undefined;
  readonly inputs: readonly Input[];
  readonly wanted: Wanted;
}

function read({ manifest }: Entry, body: Uint8Array<ArrayBuffer>, header: string | null): Asked {
  const parts = unframed(header, body);
  if (parts === 'raw') {
    return { id: undefined, inputs: [rawInput(body)], wanted: { classification: undefined, binary: true } };
  }
  const value = parseJsonBody(parts.json, { maxValues: MAX_TENSOR_VALUES, todo: TODO });
  const asked = checked(inferRequestSchema, value, TODO);
  return { id: asked.id, inputs: inputsOf(asked, parts.tensors, manifest), wanted: wantedOf(asked) };
}
