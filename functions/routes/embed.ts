import type { RouteConfig } from '@hono/zod-openapi';
import type { Hono } from 'hono';
import { z } from 'zod';
import { type Caller, callerOf } from '../access/caller.ts';
import { joined } from '../bytes.ts';
import type { Classify, Embedded } from '../classify/classify.ts';
import { type Embeddings, embeddingsSchema, normalized, toInt8 } from '../classify/embedding.ts';
import { type Problem, ServiceError } from '../errors.ts';
import type { UrlRules } from '../input/fetch-url.ts';
import { picturesBodySchema, picturesOf } from '../input/images.ts';
import { queryOf, searchOf } from '../input/options.ts';
import { conditional, conditionalBody } from './conditional.ts';
import { route } from './methods.ts';
import { form, problems } from './native-problem.ts';
import { asksForPicture, bytes, json, kept, modelOrVersion } from './path-parts.ts';
import { eachOf } from './several.ts';

const querySchema = z.strictObject({
  format: z.enum(['json', 'f32', 'i8']).optional().meta({
    description: 'json if not given. f32 and i8 are the numbers alone, least significant byte first.',
  }),
  normalize: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: 'Whether vectors are brought to length 1; true if not given.' }),
});

const TODO = 'Options are format, one of json, f32 and i8, and normalize, true or false.';
const IN_BINARY =
  'f32: float32 [x-count, x-dims]. i8: int8 [x-count, x-dims], and value = byte · scale, the scales of the rows in x-scale.';

export const embedPaths: readonly RouteConfig[] = [
  {
    method: 'post',
    path: '/embed/{model}',
    operationId: 'embed',
    tags: ['Embeddings'],
    summary: 'What a network makes of one picture, or of several, before it names a class: a vector each',
    description:
      'Pictures that look alike to the network have vectors of a high cosine. GET /models says which models have one, and of how many numbers.',
    request: {
      params: z.object({ model: modelOrVersion }),
      headers: asksForPicture,
      query: querySchema,
      body: {
        required: true,
        content: {
          'image/*': { schema: bytes },
          'application/octet-stream': { schema: bytes },
          'multipart/form-data': { schema: form },
          'application/json': { schema: picturesBodySchema },
        },
      },
    },
    responses: embedResponses(),
  },
];

function embedResponses(): RouteConfig['responses'] {
  const { content } = json(embeddingsSchema, '');
  const binary = { schema: z.string().meta({ format: 'binary', description: IN_BINARY }) };
  const answer = { description: 'The vectors.', content: { ...content, 'application/octet-stream': binary } };
  return { ...kept(answer, { classified: false, embedded: true }), ...problems(400, 404, 413, 415, 422, 503) };
}

/**
 * `POST /embed/{model}?format=f32`
 * @param problemOf what an error is in HTTP's terms
 * @param urlRules which addresses a caller may have fetched
 */
export function embedRoute(
  app: Hono,
  classify: Classify,
  problemOf: (error: unknown) => Problem,
  urlRules: (caller: Caller | undefined) => UrlRules,
): void {
  route(app, '/embed/:model', {
    POST: async (c) => {
      const { format = 'json', normalize } = queryOf(searchOf(c.req.url), querySchema, TODO);
      const { pictures, several, options } = await picturesOf(c.req.raw, urlRules(callerOf(c)));
      if (Object.keys(options).length > 0) throw ofClassification(Object.keys(options));
      const id = c.req.param('model') ?? '';
      const ask = async (version: string, image: Uint8Array<ArrayBuffer>): Promise<Embedded> => {
        const embedded = await classify.embedding(version, image);
        return normalize === 'false' ? embedded : { ...embedded, values: normalized(embedded.values) };
      };
      if (format !== 'json') {
        // Numbers alone have no place for what is wrong with one of several.
        const rows: Embedded[] = [];
        for (const picture of pictures) rows.push(await ask(versionOf(rows[0]) ?? id, await picture()));
        return inBinary(c, rows, format);
      }
      if (!several) {
        const embedded = await ask(id, await pictures[0]());
        return conditional(c, { embeddings: [asJson(embedded)], model: embedded.model } satisfies Embeddings);
      }
      const { results, model } = await eachOf(id, pictures, ask, problemOf);
      const embeddings = results.map((one) => ('error' in one ? one : asJson(one)));
      return conditional(c, { embeddings, model: model ?? (await classify.served(id)) } satisfies Embeddings);
    },
  });
}

const versionOf = (row: Embedded | undefined): string | undefined => row && `${row.model.id}@${row.model.revision}`;

/** Nine digits are enough to give each float32 back. */
const asJson = ({ id, values }: Embedded) => ({
  id,
  dims: values.length,
  data: Array.from(values, (value) => Number(value.toPrecision(9))),
});

function inBinary(c: Parameters<typeof conditionalBody>[0], rows: readonly Embedded[], format: 'f32' | 'i8') {
  const headers = {
    'content-type': 'application/octet-stream',
    'x-dims': String(rows[0]?.values.length ?? 0),
    'x-count': String(rows.length),
  };
  if (format === 'f32') return conditionalBody(c, joined(rows.map(({ values }) => bytesOf(values))), headers);
  const small = rows.map(({ values }) => toInt8(values));
  const scales = small.map(({ scale }) => String(Number(scale.toPrecision(9)))).join(', ');
  return conditionalBody(c, joined(small.map(({ bytes: row }) => bytesOf(row))), { ...headers, 'x-scale': scales });
}

/** As WebAssembly, and every machine that runs it, has them: the least significant byte first. */
const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

function ofClassification(names: readonly string[]): ServiceError {
  return new ServiceError(
    'bad-option',
    `An embedding has no ${names.join(', ')}.`,
    'Leave out what is for a classification; format and normalize stand in the query.',
    { fields: names.map((name) => ({ detail: 'is for a classification', pointer: `#/${name}` })) },
  );
}
