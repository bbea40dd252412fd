import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { addKey, bearer, emptyTables, picture, protectedService } from './protected-service.ts';

let service: Awaited<ReturnType<typeof protectedService>>;
beforeAll(async () => {
  await emptyTables();
  service = await protectedService();
});
afterEach(() => vi.restoreAllMocks());

/** Everybody has the same picture. */
function world() {
  const asked: string[] = [];
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (url) => {
    asked.push(String(url));
    return String(url).endsWith('/missing.png') ? new Response('', { status: 404 }) : new Response(picture);
  });
  return asked;
}

async function classify(key: string, body: object, app = service.app) {
  const headers = { ...bearer(key), 'content-type': 'application/json' };
  const answer = await app.request('/classify/a', { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: answer.status, ...(await answer.json<{ type?: string; results?: { status: number }[] }>()) };
}

describe('pictures by address', () => {
  it('are classified as those that are sent are', async () => {
    const asked = world();
    const key = await addKey();
    const sent = await (await service.classify(bearer(key))).json<{ predictions: unknown }>();
    const byAddress = await classify(key, { url: 'https://cdn.example/a.png' });
    expect([byAddress.status, byAddress]).toMatchObject([200, { predictions: sent.predictions }]);
    expect(asked).toEqual(['https://cdn.example/a.png']);
  });

  it('are of the hosts of the key, if it has such', async () => {
    const asked = world();
    const key = await addKey({ urlHosts: ['cdn.example', '*.shop.example'] });
    expect(await classify(key, { url: 'https://other.example/a.png' })).toMatchObject({
      status: 400,
      type: '/problems#address-refused',
    });
    expect(asked).toEqual([]);
    expect((await classify(key, { url: 'https://a.shop.example/a.png' })).status).toBe(200);
    expect((await classify(await addKey({ urlHosts: [] }), { url: 'https://cdn.example/a.png' })).status).toBe(400);
  });

  it('among several are answered each, with those that are sent', async () => {
    world();
    const key = await addKey({ quota: 10 });
    const images = [
      btoa(String.fromCharCode(...picture)),
      { url: 'https://cdn.example/a.png' },
      { url: 'https://cdn.example/missing.png' },
      { url: 'http://169.254.169.254/' },
    ];
    const { status, results } = await classify(key, { images });
    expect([status, results?.map((result) => result.status)]).toEqual([200, [200, 200, 422, 400]]);
    expect((await service.usage(key)).images.used).toBe(2);
  });

  it.each([
    { url: 'https://cdn.example/a.png', image: 'AA==' },
    { url: '' },
    { url: 1 },
    { images: [{ url: 'https://cdn.example/a.png', image: 'AA==' }] },
    { images: [{}] },
  ])('%j is refused', async (body) => {
    expect(await classify(await addKey(), body)).toMatchObject({ status: 400, type: '/problems#bad-json' });
  });

  it('of this machine are fetched for development only', async () => {
    const asked = world();
    const key = await addKey();
    const url = 'http://127.0.0.1:9000/a.png';
    expect((await classify(key, { url })).status).toBe(400);
    expect(asked).toEqual([]);
    const { app } = await protectedService({}, { httpLoopback: true });
    expect((await classify(key, { url }, app)).status).toBe(200);
  });
});
