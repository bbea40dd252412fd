import { beforeAll, describe, expect, it, vi } from 'vitest';
import { addKey, bearer, counting, emptyTables, picture, protectedService } from './protected-service.ts';

let database: D1Database;
let service: Awaited<ReturnType<typeof protectedService>>;
beforeAll(async () => {
  database = await emptyTables();
  service = await protectedService();
});

const statuses = (answers: readonly Response[]) => answers.map(({ status }) => status).sort();

describe('a monthly quota', () => {
  it('gives its last picture to one of those who ask at once', async () => {
    const key = await addKey({ quota: 4 });
    const answers = await Promise.all(Array.from({ length: 7 }, () => service.classify(bearer(key))));
    expect(statuses(answers)).toEqual([200, 200, 200, 200, 429, 429, 429]);
    expect((await service.usage(key)).images).toEqual({ used: 4, quota: 4 });
  });

  it('holds across isolates', async () => {
    const key = await addKey({ quota: 3 });
    const others = await Promise.all([protectedService(), protectedService()]);
    const answers = await Promise.all([...others, ...others].map(({ classify }) => classify(bearer(key))));
    expect(statuses(answers)).toEqual([200, 200, 200, 429]);
  });

  it('says what is left, and how long to wait', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 10, 30, 23, 59, 0) });
    try {
      const key = await addKey({ quota: 1 });
      const answer = await service.classify(bearer(key));
      expect(answer.headers.get('ratelimit-policy')).toMatch(
        /^("address";q=1000000;w=60, )?"key";q=1000000;w=60, "images-per-month";q=1$/,
      );
      expect(answer.headers.get('ratelimit')).toBe('"images-per-month";r=0;t=60');
      const refused = await service.classify(bearer(key));
      expect(refused.headers.get('retry-after')).toBe('60');
      expect(await refused.json()).toMatchObject({
        type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
        status: 429,
        'violated-policies': ['images-per-month'],
      });
      vi.setSystemTime(Date.UTC(2026, 11, 1));
      expect((await service.classify(bearer(key))).status).toBe(200);
    } finally {
      vi.useRealTimers();
    }
  });

  it('of nothing allows nothing', async () => {
    expect((await service.classify(bearer(await addKey({ quota: 0 })))).status).toBe(429);
  });

  it('counts what was answered: neither damaged pictures, nor models that fail, nor a batch that is refused', async () => {
    const key = await addKey({ quota: 2 });
    const headers = bearer(key);
    const damaged = await service.app.request('/classify/a', {
      method: 'POST',
      body: picture.subarray(0, 50),
      headers,
    });
    expect(damaged.status).toBe(422);
    const poor = await protectedService({}, { memoryBytes: 900_000 });
    expect((await poor.classify(headers)).status).toBe(503);
    expect((await service.usage(key)).images.used).toBe(0);
    const batch = await service.app.request('/v1/models/a:predict', {
      method: 'POST',
      body: JSON.stringify({ instances: Array(3).fill([[[0], [1]]]) }),
      headers,
    });
    expect(batch.status).toBe(429);
    expect(await batch.json()).toEqual({ error: expect.stringContaining('2 pictures') });
    expect((await service.usage(key)).images.used).toBe(0);
  });

  it('is counted in every protocol', async () => {
    const key = await addKey({ quota: 100 });
    const headers = bearer(key);
    const base64 = btoa(String.fromCharCode(...picture));
    const post = (path: string, body: BodyInit) => service.app.request(path, { method: 'POST', body, headers });
    const numbers = [[[0], [1]]];
    const bodies: [path: string, body: BodyInit, images: number][] = [
      ['/classify/a', picture, 1],
      ['/v1/models/a:predict', JSON.stringify({ instances: [numbers, numbers] }), 2],
      ['/v1/models/a:classify', JSON.stringify({ examples: [{ image: { b64: base64 } }] }), 1],
      [
        '/v2/models/a/infer',
        JSON.stringify({ inputs: [{ name: 'input', datatype: 'FP32', shape: [1, 1, 2, 1], data: [0, 1] }] }),
        1,
      ],
      ['/hf/models/a', picture, 1],
    ];
    let used = 0;
    for (const [path, body, images] of bodies) {
      const answer = await post(path, body);
      expect(answer.status, `${path} ${await answer.text()}`).toBe(200);
      used += images;
      expect((await service.usage(key)).images.used, path).toBe(used);
    }
  });

  it('refuses when it cannot be counted', async () => {
    const key = await addKey({ quota: 5 });
    const broken = new Proxy(database, {
      get: (target, name) =>
        name === 'prepare'
          ? (sql: string) => target.prepare(sql.includes('usage') ? 'SELECT * FROM no_such_table' : sql)
          : Reflect.get(target, name),
    });
    const { classify } = await protectedService({ database: broken });
    const answer = await classify(bearer(key));
    expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining('keys and quotas')]);
  });
});

describe('a key without a quota', () => {
  it('is counted too, with fewer writes than pictures', async () => {
    const key = await addKey();
    const { database: counted, asked } = counting(database);
    const { classify, usage } = await protectedService({ database: counted });
    await classify(bearer(key));
    const before = asked();
    const answers = await Promise.all(Array.from({ length: 50 }, () => classify(bearer(key))));
    expect(statuses(answers)).toEqual(Array(50).fill(200));
    expect(asked() - before).toBeLessThanOrEqual(1);
    await vi.waitFor(async () => expect((await usage(key)).images).toEqual({ used: 51, quota: null }), 5_000);
  });

  it('is counted once more when a write failed', async () => {
    const key = await addKey();
    let failures = 1;
    const flaky = new Proxy(database, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        if (name === 'batch' && failures-- > 0) return () => Promise.reject(new Error('D1 is away'));
        return value.bind(target);
      },
    });
    const { classify, usage, lines } = await protectedService({ database: flaky });
    expect((await classify(bearer(key))).status).toBe(200);
    await vi.waitFor(() => expect(JSON.stringify(lines)).toContain('D1 is away'), 5_000);
    expect((await classify(bearer(key))).status).toBe(200);
    await vi.waitFor(async () => expect((await usage(key)).images.used).toBe(2), 5_000);
  });
});
