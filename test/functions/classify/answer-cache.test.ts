import { beforeEach, describe, expect, it } from 'vitest';
import type { Host } from '../../../functions/host.ts';
import { addKey, bearer, emptyTables, protectedService } from '../access/protected-service.ts';
import { json, memoryAssets, memoryModel, memoryVersion } from '../catalogue/model-folder.ts';
import { PNG, picture } from '../routes/small-service.ts';

/** What the Cache API is asked, in a map. */
function memoryStore() {
  const entries = new Map<string, ArrayBuffer>();
  const asked: string[] = [];
  const store: NonNullable<Host['answers']> = {
    async match(address) {
      asked.push(address);
      const bytes = entries.get(address);
      return bytes && new Response(bytes);
    },
    async put(address, entry) {
      entries.set(address, await entry.arrayBuffer());
    },
  };
  return { store, entries, asked };
}

/** Another picture: the same with a byte behind its end. */
const another = Uint8Array.of(...picture, 0);

/** With keys off; `traffic` of its versions, if any. */
async function openService(answers: Host['answers'], more: Partial<Host> = {}) {
  const { app, lines } = await protectedService({}, { answers, access: undefined, ...more } as Partial<Host>);
  const ask = async (path: string, body: BodyInit = picture, headers: Record<string, string> = {}) => {
    const answer = await app.request(path, { method: 'POST', body, headers });
    const text = await answer.text();
    return { status: answer.status, cache: answer.headers.get('x-cache'), headers: answer.headers, text };
  };
  return { app, ask, lines };
}

describe('x-cache', () => {
  it('is miss, then hit with the same bytes, and stands in the log', async () => {
    const { ask, lines } = await openService(memoryStore().store);
    const [first, second] = [await ask('/classify/a'), await ask('/classify/a')];
    expect([first.status, first.cache, second.status, second.cache]).toEqual([200, 'miss', 200, 'hit']);
    expect(second.text).toBe(first.text);
    expect(JSON.parse(first.text).predictions[0].label).toBe('right');
    expect(lines.map(({ cache }) => cache)).toEqual(['miss', 'hit']);
  });

  it('is hit for other parameters and protocols, whose answers are their own', async () => {
    const { ask } = await openService(memoryStore().store);
    await ask('/classify/a');
    const one = await ask('/classify/a?top_k=1');
    const left = await ask('/classify/a?labels=left');
    const hf = await ask('/hf/models/a?top_k=1');
    const serving = await ask('/v1/models/a:predict', JSON.stringify({ instances: [{ b64: PNG }] }));
    const open = await ask(
      '/v2/models/a/infer',
      JSON.stringify({ inputs: [{ name: 'input', shape: [1], datatype: 'BYTES', data: [PNG] }] }),
    );
    expect([one, left, hf, serving, open].map(({ cache }) => cache)).toEqual(Array(5).fill('hit'));
    expect(JSON.parse(one.text).predictions.map(({ label }: { label: string }) => label)).toEqual(['right']);
    expect(JSON.parse(left.text).predictions.map(({ label }: { label: string }) => label)).toEqual(['left']);
    const { score } = JSON.parse(one.text).predictions[0];
    expect(JSON.parse(hf.text)).toEqual([{ label: 'right', score }]);
    expect(JSON.parse(serving.text).predictions[0][1]).toBe(score);
    expect(JSON.parse(open.text).outputs[0].data[1]).toBe(score);
  });

  it('is miss for another picture, another model, an explanation, and a manifest that says something else', async () => {
    const { store } = memoryStore();
    const { ask } = await openService(store);
    await ask('/classify/a');
    expect((await ask('/classify/a', another)).cache).toBe('miss');
    expect((await ask('/classify/b')).cache).toBe('miss');
    const [first, second] = [await ask('/classify/a?explain=occlusion'), await ask('/classify/a?explain=occlusion')];
    expect([first.cache, second.cache]).toEqual(['miss', 'hit']);
    expect(second.text).toBe(first.text);
    expect(JSON.parse(second.text).explanation.method).toBe('occlusion');
    // The same version, by mistake, with another rule for its input.
    const files = await memoryModel('a');
    const manifest = JSON.parse(new TextDecoder().decode(files.get('manifest.json')));
    files.set('manifest.json', json({ ...manifest, input: { ...manifest.input, offset: [0.5] } }));
    const changed = await openService(store, { models: memoryAssets(new Map([['a', files]])).assets });
    expect((await changed.ask('/classify/a')).cache).toBe('miss');
  });

  it('of several pictures is hit where all are', async () => {
    const { ask } = await openService(memoryStore().store);
    const body = JSON.stringify({ images: [PNG, btoa(String.fromCharCode(...another))] });
    await ask('/classify/a');
    const of = async () => (await ask('/classify/a', body, { 'content-type': 'application/json' })).cache;
    expect([await of(), await of()]).toEqual(['miss', 'hit']);
  });

  it.each([
    ['no-cache', true],
    ['max-age=0', true],
    ['max-age=60, No-Cache', true],
    ['no-store', false],
  ])('is bypass where the request says %s', async (control, keeps) => {
    const { store, asked, entries } = memoryStore();
    const { ask } = await openService(store);
    const answer = await ask('/classify/a', picture, { 'cache-control': control });
    expect([answer.status, answer.cache, asked.length, entries.size > 0]).toEqual([200, 'bypass', 0, keeps]);
    expect(answer.headers.get('cache-control')).toBe(keeps ? 'no-cache' : 'no-store');
  });

  it('is bypass where the host keeps nothing', async () => {
    const { ask } = await openService(undefined);
    expect([(await ask('/classify/a')).cache, (await ask('/classify/a')).cache]).toEqual(['bypass', 'bypass']);
  });

  it('is miss for what could not be answered, which is not kept', async () => {
    const { store, entries } = memoryStore();
    const { ask } = await openService(store);
    for (let i = 0; i < 2; i++) {
      expect(await ask('/classify/a', picture.slice(0, 40))).toMatchObject({ status: 422, cache: 'miss' });
    }
    expect(entries.size).toBe(0);
  });
});

describe('a store that', () => {
  const never = new Promise<never>(() => {});
  const put = async () => {};
  it.each<[string, NonNullable<Host['answers']>]>([
    [
      'throws at once',
      {
        match: () => {
          throw new Error('away');
        },
        put: () => {
          throw new Error('away');
        },
      },
    ],
    [
      'rejects',
      { match: async () => Promise.reject(new Error('away')), put: async () => Promise.reject(new Error('full')) },
    ],
    ['never answers', { match: () => never, put: () => never }],
    ['has too few bytes', { match: async () => new Response(new Uint8Array(7)), put }],
    ['has too many', { match: async () => new Response(new Uint8Array(9)), put }],
    ['has nothing in it', { match: async () => new Response(null), put }],
  ])('%s is a miss', async (_name, store) => {
    const { ask } = await openService(store);
    const plain = await (await openService(undefined)).ask('/classify/a');
    expect(await ask('/classify/a')).toMatchObject({ status: 200, cache: 'miss', text: plain.text });
    expect(await ask('/classify/a?explain=occlusion')).toMatchObject({ status: 200, cache: 'miss' });
  });
});

describe('with keys on', () => {
  beforeEach(() => emptyTables().then(() => {}));

  it('answers are private, are never shown to another key, and count', async () => {
    const { store } = memoryStore();
    const { classify, usage, app } = await protectedService({}, { answers: store });
    const [one, two] = [await addKey({ quota: 3 }), await addKey()];
    const cacheOf = async (key: string) => {
      const answer = await classify(bearer(key));
      await answer.arrayBuffer();
      return [answer.status, answer.headers.get('x-cache'), answer.headers.get('cache-control')];
    };
    expect(await cacheOf(one)).toEqual([200, 'miss', 'private, no-cache']);
    expect(await cacheOf(one)).toEqual([200, 'hit', 'private, no-cache']);
    expect(await cacheOf(two)).toEqual([200, 'miss', 'private, no-cache']);
    expect(await cacheOf(one)).toEqual([200, 'hit', 'private, no-cache']);
    expect((await usage(one)).images.used).toBe(3);
    // The quota is over, for what is kept as well.
    expect((await cacheOf(one))[0]).toBe(429);
    expect((await app.request('/models', { headers: bearer(two) })).headers.get('cache-control')).toBe(
      'private, no-cache',
    );
    expect((await app.request('/usage', { headers: bearer(two) })).headers.get('cache-control')).toBe('no-store');
  });

  it('what a key may not use it is not shown, though it is kept', async () => {
    const { store } = memoryStore();
    const { classify } = await protectedService({}, { answers: store });
    const id = 'a1a1a1a1a1a1';
    expect((await classify(bearer(await addKey({ id })))).status).toBe(200);
    const narrow = await addKey({ models: ['b'] });
    expect((await classify(bearer(narrow))).status).toBe(403);
    for (const name of ['a@1', 'a@stable']) expect((await classify(bearer(narrow), name)).status).toBe(403);
  });
});

describe('ETag', () => {
  it.each(['/classify/a', '/hf/models/a'])(
    'of POST %s is strong, and answered 304 where the caller has it',
    async (path) => {
      const { ask } = await openService(memoryStore().store);
      const first = await ask(path);
      const etag = first.headers.get('etag') ?? '';
      expect(etag).toMatch(/^"[0-9a-f]{32}"$/);
      for (const names of [etag, `"x", ${etag}`, `W/${etag}`, '*']) {
        const again = await ask(path, picture, { 'if-none-match': names });
        expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', etag]);
        expect(again.headers.get('x-request-id')).toBeTruthy();
      }
      for (const names of ['"x"', etag.slice(1, -1), '']) {
        expect((await ask(path, picture, { 'if-none-match': names })).status).toBe(200);
      }
      // Another answer is another tag.
      expect((await ask(`${path}?top_k=1`, picture, { 'if-none-match': etag })).status).toBe(200);
    },
  );

  it('of GET /models and /models/{id} is answered 304, for HEAD too; errors have none', async () => {
    const { app } = await openService(undefined);
    for (const path of ['/models', '/models/a']) {
      const etag = (await app.request(path)).headers.get('etag') ?? '';
      for (const method of ['GET', 'HEAD']) {
        const again = await app.request(path, { method, headers: { 'if-none-match': etag } });
        expect([again.status, await again.text()], `${method} ${path}`).toEqual([304, '']);
      }
    }
    const unknown = await app.request('/models/none', { headers: { 'if-none-match': '*' } });
    expect([unknown.status, unknown.headers.get('etag'), unknown.headers.get('cache-control')]).toEqual([
      404,
      null,
      'no-store',
    ]);
  });
});

describe('versions', () => {
  it('do not share answers, whatever their numbers say', async () => {
    const models = new Map([
      ['m@1', await memoryVersion('m', 1)],
      ['m', await memoryVersion('m', 2, { crossed: true })],
    ]);
    const { ask } = await openService(memoryStore().store, { models: memoryAssets(models).assets });
    const [old, latest] = [await ask('/classify/m@1'), await ask('/classify/m')];
    expect([old.cache, latest.cache]).toEqual(['miss', 'miss']);
    expect(JSON.parse(old.text).predictions[0].label).toBe('right');
    expect(JSON.parse(latest.text).predictions[0].label).toBe('left');
    expect((await ask('/classify/m@1')).cache).toBe('hit');
  });
});
