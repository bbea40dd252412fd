import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { PNG, picture, smallService } from './small-service.ts';

let service: Awaited<ReturnType<typeof smallService>>;
beforeAll(async () => {
  service = await smallService();
});

const RUNS = 150;

/** Any value of JSON, with words of the protocols among its keys and texts. */
const WORDS = [
  'inputs',
  'instances',
  'examples',
  'context',
  'signature_name',
  'b64',
  'input',
  'image_bytes',
  'image',
  'images',
  'name',
  'shape',
  'datatype',
  'data',
  'parameters',
  'outputs',
  'scores',
  'FP32',
  'BYTES',
  'classification',
  'binary_data',
  'binary_data_size',
  'binary_data_output',
  'top_k',
  'labels',
  'explain',
  'id',
  '__proto__',
  PNG,
  '',
];
const word = fc.constantFrom(...WORDS);
const { tree: anything } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(word, fc.string(), fc.integer(), fc.double(), fc.boolean(), fc.constant(null)),
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(word, fc.string()), tie('tree'), { maxKeys: 5 }),
  ),
}));

const tensor = { name: 'input', shape: [1, 1, 2, 1], datatype: 'FP32', data: [0, 1] };
/** A good body of each call, to be spoiled. */
const CALLS: Readonly<Record<string, object>> = {
  '/v1/models/m:predict': { instances: [{ b64: PNG }], signature_name: 'serving_default' },
  '/v1/models/m:classify': { context: {}, examples: [{ image: { b64: PNG } }] },
  '/v2/models/m/infer': { id: '1', inputs: [tensor], outputs: [{ name: 'scores', parameters: { classification: 1 } }] },
  '/v2/repository/index': { ready: true },
  '/hf/models/m': { inputs: PNG, parameters: { top_k: 1, function_to_apply: 'softmax' } },
  '/classify/m': { images: [PNG], top_k: 1, min_score: 0, labels: ['left'] },
};
const paths = Object.keys(CALLS);
const json = { 'content-type': 'application/json' };

/** Statuses seen, by path: a fuzzer that is only ever refused has looked at nothing. */
const seen = new Map<string, Set<number>>();

async function understood(path: string, answer: Response): Promise<void> {
  const text = await answer.text();
  expect(answer.status, `${path}: ${text}`).not.toBe(500);
  if (answer.status >= 400 && path !== '/classify/m') expect(Object.keys(JSON.parse(text))).toEqual(['error']);
  seen.set(path, (seen.get(path) ?? new Set()).add(answer.status));
}

/** One value somewhere within replaced. */
function spoil(value: unknown, at: number, by: unknown): unknown {
  const places: (() => void)[] = [];
  const copy = structuredClone(value);
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const fields = node as Record<string, unknown>;
    for (const key of Object.keys(fields)) {
      places.push(() => {
        fields[key] = by;
      });
      walk(fields[key]);
    }
  };
  walk(copy);
  places[at % places.length]?.();
  return copy;
}

describe('no protocol answers 500', () => {
  it.each(paths)('%s to any JSON', (path) =>
    fc.assert(
      fc.asyncProperty(anything, async (value) => {
        await understood(path, await service.post(path, JSON.stringify(value), json));
      }),
      { numRuns: RUNS },
    ),
  );

  it.each(paths)('%s to its own JSON with one value replaced', async (path) => {
    await understood(path, await service.post(path, JSON.stringify(CALLS[path]), json));
    await fc.assert(
      fc.asyncProperty(fc.nat(60), anything, async (at, by) => {
        await understood(path, await service.post(path, JSON.stringify(spoil(CALLS[path], at, by)), json));
      }),
      { numRuns: RUNS },
    );
    expect([...(seen.get(path) ?? [])], path).toEqual(expect.arrayContaining([200, 400]));
  });

  it.each(paths)('%s to its own JSON with bytes changed', (path) =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        async (changes) => {
          const body = new TextEncoder().encode(JSON.stringify(CALLS[path])) as Uint8Array<ArrayBuffer>;
          for (const [at, byte] of changes) body[at % body.length] = byte;
          await understood(path, await service.post(path, body, json));
        },
      ),
      { numRuns: RUNS },
    ),
  );

  it('/v2/…/infer to binary tensors of any size under any header', async () => {
    const input = { ...tensor, data: undefined };
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('FP32', 'BYTES'),
        fc.uint8Array({ maxLength: 40 }),
        fc.oneof(fc.constant(undefined), fc.integer({ min: -2, max: 400 }).map(String), fc.string({ maxLength: 4 })),
        fc.oneof(fc.constant(undefined), fc.integer({ min: -1, max: 50 }), anything),
        async (datatype, tail, header, size) => {
          const shape = datatype === 'FP32' ? tensor.shape : [1];
          const parameters = { binary_data_size: size === undefined ? tail.length : size };
          const head = new TextEncoder().encode(
            JSON.stringify({ inputs: [{ ...input, datatype, shape, parameters }] }),
          );
          const length = header === undefined ? String(head.length) : header.replaceAll(/[^\x21-\x7e]/g, '.');
          const body = new Blob([head, tail as Uint8Array<ArrayBuffer>]);
          const answer = await service.post('/v2/models/m/infer', body, { 'inference-header-content-length': length });
          await understood('/v2 binary', answer);
        },
      ),
      { numRuns: 400 },
    );
  });

  it.each(['/hf/models/m', '/classify/m'])('%s to a picture with bytes changed', (path) =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), async (changes) => {
        const body = picture.slice();
        for (const [at, byte] of changes) body[at % body.length] = byte;
        await understood(path, await service.post(path, body));
      }),
      { numRuns: RUNS },
    ),
  );

  it.each(['/v1/models/', '/v2/models/', '/hf/models/', '/classify/'])('%s… to any address', (path) =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
        fc.webPath(),
        fc.webQueryParameters(),
        async (method, rest, query) => {
          const answer = await service.app.request(`${path}${rest.replace(/^\/+/, '')}?${query}`, { method });
          expect(answer.status, await answer.text()).not.toBe(500);
        },
      ),
      { numRuns: RUNS },
    ),
  );
});
