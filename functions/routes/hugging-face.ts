import type { RouteConfig } from '@hono/zod-openapi';
import type { Hono } from 'hono';
import { z } from 'zod';
import { sha256Once } from '../bytes.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Classify } from '../classify/classify.ts';
import { activationOf, isMultilabel, namedClasses } from '../classify/multilabel.ts';
import { rank } from '../classify/scores.ts';
import { decodeBase64 } from '../input/base64.ts';
import { readBody, tooLarge } from '../input/body.ts';
import { MAX_IMAGE_BYTES, MAX_JSON_BYTES, mediaType, present } from '../input/images.ts';
import { checked, parseJsonBody } from '../input/json.ts';
import { numberInText, queryOf, searchOf } from '../input/options.ts';
import { conditional } from './conditional.ts';
import { hfErrorSchema, isJson } from './hugging-face-form.ts';
import { route } from './methods.ts';
import { asksForPicture, bytes, errors, json, kept, modelOrVersion } from './path-parts.ts';

/** Hugging Face's image classification task, as its clients in JavaScript and Python ask for it. */

const topK = z.int().min(1).max(1000);
const activation = z.enum(['softmax', 'sigmoid', 'none']);

const parametersSchema = z.object({
  top_k: topK.optional(),
  function_to_apply: activation
    .optional()
    .meta({ description: 'If not given softmax, or sigmoid where the model is multi-label.' }),
});

/** Clients that send bytes have no other place for their parameters. */
const hfQuerySchema = z.object({
  top_k: numberInText.pipe(topK).optional(),
  function_to_apply: activation.optional(),
});

const hfRequestSchema = z
  .object({
    inputs: z.string().min(1).meta({ description: 'A picture in base64.' }),
    // The Python client writes what it was not given as null.
    parameters: parametersSchema.extend({ top_k: topK.nullish(), function_to_apply: activation.nullish() }).nullish(),
  })
  .meta({ id: 'ImageClassificationInput' });

const hfAnswerSchema = z
  .array(z.object({ label: z.string(), score: z.number() }))
  .meta({ id: 'ImageClassificationOutput' });

const DEFAULT_TOP_K = 5;
const TODO =
  'Send the bytes of a picture, or {"inputs": "<base64>", "parameters": {"top_k": 3, "function_to_apply": "softmax"}}.';

export const huggingFacePaths: readonly RouteConfig[] = [
  {
    method: 'post',
    path: '/hf/models/{model}',
    operationId: 'huggingFaceImageClassification',
    tags: ['Hugging Face'],
    summary: 'The image classification task',
    request: {
      params: z.object({ model: modelOrVersion }),
      headers: asksForPicture,
      query: parametersSchema,
      body: {
        required: true,
        content: {
          'image/*': { schema: bytes },
          'application/octet-stream': { schema: bytes },
          'application/json': { schema: hfRequestSchema },
        },
      },
    },
    responses: {
      ...kept(
        json(
          hfAnswerSchema,
          'Best first. Of a multi-label model without top_k: every class that reaches its threshold.',
        ),
        { classified: true },
      ),
      ...errors(hfErrorSchema, 'application/json', [400, 404, 413, 415, 422, 429, 502]),
    },
  },
];

/** `POST /hf/models/{model}` */
export function huggingFaceRoute(app: Hono, catalogue: Catalogue, classify: Classify): void {
  route(app, '/hf/models/:model', {
    POST: async (c) => {
      const query = queryOf(searchOf(c.req.url), hfQuerySchema, TODO);
      const { image, parameters } = await read(c.req.raw);
      const hash = sha256Once(image);
      const entry = await catalogue.get(c.req.param('model') ?? '', hash);
      const apply = parameters.function_to_apply ?? query.function_to_apply ?? activationOf(entry.manifest);
      const scores = await classify.scores(entry, { image }, apply, hash);
      const asked = parameters.top_k ?? query.top_k;
      const named = isMultilabel(entry.manifest) && asked === undefined && apply === 'sigmoid';
      const ranking = {
        topK: asked ?? (named ? entry.manifest.classes : DEFAULT_TOP_K),
        minScore: Number.NEGATIVE_INFINITY,
        among: named ? namedClasses(entry.manifest, scores) : undefined,
      };
      const ranked = rank(scores, entry.labels, ranking).map(({ label, score }) => ({ label, score }));
      return conditional(c, ranked);
    },
  });
}

async function read(request: Request) {
  const body = present(await readBody(request, MAX_JSON_BYTES));
  if (!isJson(mediaType(request), body)) {
    if (body.length > MAX_IMAGE_BYTES) throw tooLarge('picture', MAX_IMAGE_BYTES);
    return { image: body, parameters: {} };
  }
  const { inputs, parameters } = checked(hfRequestSchema, parseJsonBody(body, { todo: TODO }), TODO);
  return { image: present(decodeBase64(inputs, MAX_IMAGE_BYTES)), parameters: parameters ?? {} };
}
