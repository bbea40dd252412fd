import type { RouteConfig } from '@hono/zod-openapi';
import type { Hono } from 'hono';
import { z } from 'zod';
import type { Classify } from '../classify/classify.ts';
import { normalized } from '../classify/embedding.ts';
import { decodeBase64 } from '../input/base64.ts';
import { readBody, tooLarge } from '../input/body.ts';
import { MAX_IMAGE_BYTES, MAX_IMAGES, MAX_JSON_BYTES, mediaType, present } from '../input/images.ts';
import { checked, parseJsonBody } from '../input/json.ts';
import { conditional } from './conditional.ts';
import { hfErrorSchema, isJson } from './hugging-face-form.ts';
import { route } from './methods.ts';
import { asksForPicture, bytes, errors, json, kept, modelOrVersion } from './path-parts.ts';

/** Hugging Face's feature extraction task, of pictures: a vector each, in JSON without a name. */

const base64 = z.string().min(1).meta({ description: 'A picture in base64: JPEG, PNG, WebP, AVIF or GIF.' });

const requestSchema = z
  .object({
    inputs: z.union([base64, z.array(base64).min(1).max(MAX_IMAGES)]),
    // The Python client writes what it was not given as null.
    normalize: z
      .boolean()
      .nullish()
      .meta({ description: 'Whether vectors are brought to length 1; true if not given.' }),
  })
  .meta({ id: 'FeatureExtractionInput' });

const vector = z.array(z.number());
const answerSchema = z.union([vector, z.array(vector)]).meta({ id: 'FeatureExtractionOutput' });

const TODO = 'Send the bytes of a picture, or {"inputs": "<base64>"}, or {"inputs": ["<base64>", …]}.';

export const featurePaths: readonly RouteConfig[] = [
  {
    method: 'post',
    path: '/hf/models/{model}/pipeline/feature-extraction',
    operationId: 'huggingFaceFeatureExtraction',
    tags: ['Hugging Face'],
    summary: 'The feature extraction task, of pictures',
    request: {
      params: z.object({ model: modelOrVersion }),
      headers: asksForPicture,
      body: {
        required: true,
        content: {
          'image/*': { schema: bytes },
          'application/octet-stream': { schema: bytes },
          'application/json': { schema: requestSchema },
        },
      },
    },
    responses: {
      ...kept(json(answerSchema, 'A vector; a list of them where inputs was a list.'), {
        classified: false,
        embedded: true,
      }),
      ...errors(hfErrorSchema, 'application/json', [400, 404, 413, 415, 422, 429, 502]),
    },
  },
];

/** `POST /hf/models/{model}/pipeline/feature-extraction` */
export function huggingFaceFeaturesRoute(app: Hono, classify: Classify): void {
  route(app, '/hf/models/:model/pipeline/feature-extraction', {
    POST: async (c) => {
      const { inputs, normalize } = await read(c.req.raw);
      const vectors: number[][] = [];
      let id = c.req.param('model') ?? '';
      for (const input of Array.isArray(inputs) ? inputs : [inputs]) {
        const image = typeof input === 'string' ? present(decodeBase64(input, MAX_IMAGE_BYTES)) : input;
        const { values, model } = await classify.embedding(id, image);
        id = `${model.id}@${model.revision}`;
        vectors.push(Array.from(normalize ? normalized(values) : values, (value) => Number(value.toPrecision(9))));
      }
      return conditional(c, Array.isArray(inputs) ? vectors : vectors[0]);
    },
  });
}

async function read(request: Request): Promise<{
  readonly inputs: Uint8Array<ArrayBuffer> | string | readonly string[];
  readonly normalize: boolean;
}> {
  const body = present(await readBody(request, MAX_JSON_BYTES));
  if (!isJson(mediaType(request), body)) {
    if (body.length > MAX_IMAGE_BYTES) throw tooLarge('picture', MAX_IMAGE_BYTES);
    return { inputs: body, normalize: true };
  }
  const { inputs, normalize } = checked(requestSchema, parseJsonBody(body, { todo: TODO }), TODO);
  return { inputs, normalize: normalize ?? true };
}
