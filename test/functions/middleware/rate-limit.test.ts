import { beforeAll, describe, expect, it } from 'vitest';
import { neighbourhood } from '../../../functions/middleware/rate-limit.ts';
import toml from '../../../wrangler.toml?raw';
import { addKey, bearer, emptyTables, protectedService } from '../access/protected-service.ts';

beforeAll(emptyTables);

/** A fixed window of so many, that never ends; `buckets` says who was counted. */
function window(requests: number) {
  const buckets = new Map<string, number>();
  const limit = async ({ key }: { key: string }) => {
    const count = (buckets.get(key) ?? 0) + 1;
    buckets.set(key, count);
    return { success: count <= requests };
  };
  return { buckets, limit: { requests, seconds: 60, limit } };
}

describe('rate limits', () => {
  it('hold each key by itself, in the form of the surface', async () => {
    const key = window(2);
    const { app, classify } = await protectedService({ limits: { key: key.limit, address: window(99).limit } });
    const [mine, yours] = [await addKey(), await addKey()];
    for (let i = 0; i < 2; i++) expect((await classify(bearer(mine))).status).toBe(200);
    const refused = await classify(bearer(mine));
    expect(refused.headers.get('retry-after')).toBe('60');
    expect(refused.headers.get('ratelimit-policy')).toBe('"key";q=2;w=60');
    expect([refused.status, await refused.json()]).toMatchObject([429, { 'violated-policies': ['key'] }]);
    const foreign = await app.request('/v1/models/a', { headers: bearer(mine) });
    expect([foreign.status, await foreign.json()]).toEqual([429, { error: expect.stringContaining('2 requests') }]);
    expect((await classify(bearer(yours))).status).toBe(200);
  });

  it('hold strangers by address, before the database is asked, and not those who are known', async () => {
    const address = window(3);
    const { app, classify } = await protectedService({ limits: { key: window(99).limit, address: address.limit } });
    const from = (ip: string, headers: object = {}) => classify({ 'cf-connecting-ip': ip, ...headers });
    const key = await addKey();
    expect((await from('192.0.2.1', bearer(key))).status).toBe(200);
    const guess = bearer(`${key.slice(0, -1)}c`);
    expect([(await from('192.0.2.1', guess)).status, (await from('192.0.2.1', guess)).status]).toEqual([401, 401]);
    for (const headers of [guess, {}, { 'x-forwarded-for': '203.0.113.9' }, { 'x-real-ip': '203.0.113.9' }]) {
      const refused = await from('192.0.2.1', headers);
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '60']);
    }
    expect((await from('192.0.2.1', bearer(key))).status).toBe(200);
    expect((await from('192.0.2.2')).status).toBe(401);
    const health = await app.request('/health/live', { headers: { 'cf-connecting-ip': '192.0.2.1' } });
    expect(health.status).toBe(429);
  });

  it('hold client tokens each, and by address', async () => {
    const [key, address] = [window(5), window(5)];
    const { app, classify } = await protectedService({ limits: { key: key.limit, address: address.limit } });
    const body = JSON.stringify({ models: ['a'], images: 9 });
    const issued = await app.request('/tokens', { method: 'POST', body, headers: bearer(await addKey()) });
    const { token } = await issued.json<{ token: string }>();
    await classify({ ...bearer(token), 'cf-connecting-ip': '192.0.2.7' });
    expect([...key.buckets.keys()]).toEqual([expect.stringMatching(/^key:/), expect.stringMatching(/^token:/)]);
    expect(address.buckets.get('192.0.2.7')).toBe(1);
  });

  it('are the numbers that wrangler.toml gives its bindings', () => {
    const numbers = (pattern: RegExp) => pattern.exec(toml)?.slice(1, 3);
    const said = (name: string) => numbers(new RegExp(`${name} = \\{ requests = (\\d+), seconds = (\\d+)`));
    const bound = (name: string) =>
      numbers(new RegExp(`"${name}"\\n.*\\nsimple = \\{ limit = (\\d+), period = (\\d+)`));
    expect(said('key')).toHaveLength(2);
    expect(said('key')).toEqual(bound('KEY_LIMIT'));
    expect(said('address')).toEqual(bound('ADDRESS_LIMIT'));
  });
});

describe('who is counted as one', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('%s is %s', (address, expected) => {
    expect(neighbourhood(address)).toBe(expected);
  });
});
