import { beforeAll, describe, expect, it, vi } from 'vitest';
import { addKey, bearer, counting, emptyTables, protectedService } from './protected-service.ts';

let database: D1Database;
let key: string;
let service: Awaited<ReturnType<typeof protectedService>>;
beforeAll(async () => {
  database = await emptyTables();
  key = await addKey();
  service = await protectedService();
});

const now = () => Math.floor(Date.now() / 1000);

describe('a key', () => {
  it.each([
    ['Authorization: Bearer', (k: string) => bearer(k)],
    ['authorization: bEARER', (k: string) => ({ authorization: `bEARER   ${k}` })],
    ['x-api-key', (k: string) => ({ 'x-api-key': k })],
    ['both, equal', (k: string) => ({ ...bearer(k), 'x-api-key': k })],
  ])('is taken as %s', async (_name, headers) => {
    expect((await service.classify(headers(key))).status).toBe(200);
  });

  it.each<[string, (k: string) => Record<string, string>, number, RegExp]>([
    ['nothing', () => ({}), 401, /asks for a key/],
    ['both, different', (k) => ({ ...bearer(k), 'x-api-key': `${k.slice(0, -1)}c` }), 400, /different credentials/],
    ['a header given twice', (k) => ({ authorization: `Bearer ${k}, Bearer ${k}` }), 400, /twice/],
    ['x-api-key given twice', (k) => ({ 'x-api-key': `${k}, other` }), 400, /twice/],
    ['Basic', (k) => ({ authorization: `Basic ${btoa(`:${k}`)}` }), 401, /cannot be read/],
    ['no scheme', (k) => ({ authorization: k }), 401, /cannot be read/],
    ['an empty key', () => ({ 'x-api-key': '' }), 401, /cannot be read/],
    ['a space within', (k) => ({ authorization: `Bearer ${k} ${k}` }), 401, /cannot be read/],
    ['the last character changed', (k) => bearer(`${k.slice(0, -1)}c`), 401, /not known/],
    ['a longer secret', (k) => bearer(`${k}A`), 401, /not known/],
    ['an id that nobody has', (k) => bearer(`ek_${'0'.repeat(12)}${k.slice(15)}`), 401, /not known/],
    ['SQL in the id', () => bearer("ek_'OR'1'='1"), 401, /cannot be read/],
    ['9,000 characters', () => bearer('a'.repeat(9_000)), 401, /cannot be read/],
    ['the key of Cloudflare Access without its configuration', (k) => ({ 'cf-access-jwt-assertion': k }), 401, /asks/],
    ['the key in the address only', () => ({ 'x-forwarded-for': '127.0.0.1', host: 'localhost' }), 401, /asks/],
  ])('%s is refused', async (_name, headers, status, says) => {
    const answer = await service.classify(headers(key));
    const problem = await answer.json<{ status: number; detail: string }>();
    expect(problem.detail).toMatch(says);
    expect([answer.status, problem.status]).toEqual([status, status]);
    expect(answer.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer realm="edge-classifier"' : null);
  });

  it('is compared in constant time', async () => {
    const compare = vi.spyOn(crypto.subtle, 'timingSafeEqual');
    await service.classify(bearer(`${key.slice(0, -1)}c`));
    expect(compare).toHaveBeenCalledOnce();
    expect(compare.mock.results[0]?.value).toBe(false);
    compare.mockRestore();
  });

  it('that has expired or was revoked is refused, also at the last second', async () => {
    const expired = await service.classify(bearer(await addKey({ expiresAt: now() })));
    expect([expired.status, await expired.text()]).toEqual([401, expect.stringContaining('expired on')]);
    const revoked = await service.classify(bearer(await addKey({ revokedAt: now() })));
    expect([revoked.status, await revoked.text()]).toEqual([401, expect.stringContaining('revoked')]);
    expect((await service.classify(bearer(await addKey({ expiresAt: now() + 100 })))).status).toBe(200);
  });

  it('is read once in 30 s, and revoked within them', async () => {
    const { database: counted, asked } = counting(database);
    const { classify } = await protectedService({ database: counted });
    const mine = await addKey({ id: 'c0ffee000001' });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    try {
      await classify(bearer(mine));
      const reads = asked();
      await database.prepare('UPDATE keys SET revoked_at = 1 WHERE id = ?').bind('c0ffee000001').run();
      // Nothing is read of the key again; its pictures are written.
      expect((await classify(bearer(mine))).status).toBe(200);
      expect(asked() - reads).toBeLessThanOrEqual(1);
      vi.setSystemTime(Date.now() + 30_000);
      expect((await classify(bearer(mine))).status).toBe(401);
    } finally {
      vi.useRealTimers();
    }
  });

  it('with neither quota nor token: 100 requests ask the database for it once', async () => {
    const { database: counted, asked } = counting(database);
    const { app } = await protectedService({ database: counted });
    for (let i = 0; i < 100; i++) expect((await app.request('/models', { headers: bearer(key) })).status).toBe(200);
    expect(asked()).toBe(1);
  });
});

describe('scopes', () => {
  it('name models: others can be neither used nor read, in any protocol', async () => {
    const mine = await addKey({ models: ['a'] });
    expect((await service.classify(bearer(mine), 'a')).status).toBe(200);
    const headers = bearer(mine);
    const refused = [
      service.classify(headers, 'b'),
      service.app.request('/classify/%62', { method: 'POST', body: 'x', headers }),
      service.app.request('/models/b', { headers }),
      service.app.request('/v1/models/b', { headers }),
      service.app.request('/V1/models/b/metadata', { headers }),
      service.app.request('/v1/models/b:predict', { method: 'POST', body: '{"instances":[[[[1],[2]]]]}', headers }),
      service.app.request('/v2/models/b', { headers }),
      service.app.request('/hf/models/b', { method: 'POST', body: 'x', headers }),
    ];
    for (const answer of await Promise.all(refused)) expect([answer.status, answer.url]).toEqual([403, answer.url]);
    const listed = await (await service.app.request('/models', { headers })).json<{ models: { id: string }[] }>();
    expect(listed.models.map(({ id }) => id)).toEqual(['a']);
  });

  it('name routes', async () => {
    const headers = bearer(await addKey({ routes: ['models'] }));
    expect((await service.app.request('/models', { headers })).status).toBe(200);
    expect((await service.app.request('/usage', { headers })).status).toBe(200);
    expect((await service.classify(headers)).status).toBe(403);
    for (const path of ['/metrics', '/v2', '/V1/models/a', '/%6detrics', '//models', '/tokens']) {
      expect((await service.app.request(path, { headers })).status, path).toBe(403);
    }
  });

  it('refuse in the form of the protocol', async () => {
    for (const path of ['/v1/models/a', '/v2/models/a', '/hf/models/a']) {
      const answer = await service.app.request(path);
      expect([answer.status, Object.keys(await answer.json<object>())], path).toEqual([401, ['error']]);
    }
  });
});
