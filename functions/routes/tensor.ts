import type { Context, Hono } from 'hono';
import type { z } from 'zod';
import type { Classify } from '../classify/classify.ts';
import { refusalSchema, TENSOR_TYPE } from '../classify/remote.ts';
import { ServiceError } from '../errors.ts';
import { readBody } from '../input/body.ts';

/** The largest input that a manifest may name: 1024 x 1024 in three channels. */
const MAX_TENSOR_BYTES = 1024 * 1024 * 3;

/**
 * `POST /tensor/{id}/{version}` and `POST /embedding/{id}/{version}`: between Workers only, never part of the public
 * application (`classify/remote.ts`).
 */
export function tensorRoute(app: Hono, classify: Classify): void {
  const door = (path: string, answer: (id: string, version: string, pixels: Uint8Array) => Promise<Float32Array>) =>
    app.post(path, async (c) => {
      const [id = '', version = ''] = [c.req.param('id'), c.req.param('version')];
      const type = c.req.header('content-type');
      if (type !== TENSOR_TYPE) {
        throw new ServiceError('bad-request', `The tensor is sent as ${type}.`, `Send it as ${TENSOR_TYPE}.`);
      }
      const values = await answer(id, version, await readBody(c.req.raw, MAX_TENSOR_BYTES));
      const body = new Uint8Array(values.buffer, values.byteOffset, values.byteLength) as Uint8Array<ArrayBuffer>;
      return c.body(body, 200, { 'content-type': TENSOR_TYPE });
    });
  door('/tensor/:id/:version', (id, version, pixels) => classify.tensor(id, version, pixels));
  door('/embedding/:id/:version', (id, version, pixels) => classify.embeddingOfTensor(id, version, pixels));
}

/** What went wrong, for the Worker that asked: it words it for its own caller. */
export function refusal(error: unknown, c: Context): Response {
  const refused = refusalSchema.safeParse(error instanceof ServiceError ? fieldsOf(error) : undefined);
  if (!refused.success) return c.json({}, 500);
  return c.json(refused.data satisfies z.infer<typeof refusalSchema>, refused.data.code === 'bad-request' ? 400 : 503);
}

const fieldsOf = ({ code, what, todo, retryAfterSeconds }: ServiceError) => ({ code, what, todo, retryAfterSeconds });
