import { beforeAll, describe, expect, it } from 'vitest';
import { addKey, bearer, emptyTables, protectedService } from '../access/protected-service.ts';

beforeAll(emptyTables);

/** All that a stranger may reach with keys on. */
const OPEN = new Set([
  '/',
  '/favicon.ico',
  '/page/x',
  '/page/engine.js',
  '/page/thread.js',
  '/page/offline.js',
  '/samples/x',
  '/health/live',
  '/health/ready',
  '/docs',
  '/docs/style.css',
  '/openapi.json',
  '/v2/health/live',
  '/v2/health/ready',
]);

describe('with keys on', () => {
  it('every route of the application is closed, but for those of this list', async () => {
    const { app } = await protectedService();
    const addresses = app.routes
      .filter(({ path }) => path !== '/*')
      .map(({ method, path }) => ({
        method: method === 'ALL' ? 'POST' : method,
        path: path
          .replace(/:v1\{[^}]*\}/, 'v1')
          .replaceAll(/:\w+(\{[^}]*\})?/g, 'x')
          .replaceAll('*', 'x'),
      }));
    const open = new Set<string>();
    for (const { method, path } of addresses) {
      const { status } = await app.request(path, { method });
      if (status !== 401) open.add(path);
    }
    expect(addresses.length).toBeGreaterThan(25);
    for (const path of ['/classify/x', '/models', '/tokens', '/usage', '/v1/x']) {
      expect(addresses.map((address) => address.path)).toContain(path);
    }
    expect([...open].sort()).toEqual([...OPEN].filter((path) => addresses.some((a) => a.path === path)).sort());
  });

  it.each([
    '/metrics',
    '/nothing',
    '/health',
    '/HEALTH/live',
    '/health%2flive',
    '//health/live',
    '/docsx',
    '/openapi.json/x',
    '/page',
    '/page/../models',
    '/page/%2e%2e/models',
    '/.//models',
    '/models/',
    '/v2/health/live/x',
    '/v2/health/live%00',
    '/v2/models/a/ready',
    '/hf/models/a?x=/health/live',
    '/models#/health/live',
    '/models;/health/live',
    '/jobs',
    '/tensor/a/1',
  ])('%s is closed', async (path) => {
    const { app } = await protectedService();
    for (const method of ['GET', 'POST', 'HEAD', 'OPTIONS', 'DELETE']) {
      const answer = await app.request(path, { method });
      expect([method, answer.status]).toEqual([method, 401]);
    }
  });

  it('hooks are left to their signatures', async () => {
    const { app } = await protectedService();
    expect((await app.request('/hooks/github', { method: 'POST' })).status).toBe(404);
  });

  it('nothing about a caller opens a door', async () => {
    const { app } = await protectedService();
    const headers = {
      host: 'localhost',
      'cf-connecting-ip': '127.0.0.1',
      origin: 'http://localhost:8787',
      'x-forwarded-host': 'localhost',
    };
    for (const address of ['http://localhost/models', 'http://127.0.0.1:8787/models', 'https://[::1]/models']) {
      expect((await app.request(address, { headers })).status).toBe(401);
    }
  });

  it('answers to a caller are not kept by others, and the log names the caller', async () => {
    const { app, lines } = await protectedService();
    const key = await addKey({ id: 'c0ffee000004' });
    const answer = await app.request('/models', { headers: bearer(key) });
    expect(answer.headers.get('cache-control')).toMatch(/no-store|private/);
    expect(lines.at(-1)).toMatchObject({ caller: 'key:c0ffee000004' });
    expect(JSON.stringify(lines)).not.toContain(key.slice(16));
  });
});

describe('without access', () => {
  it('everything is open, and there is nothing to count', async () => {
    const { app, classify } = await protectedService({}, { access: undefined });
    expect((await classify({})).status).toBe(200);
    expect((await classify({ authorization: 'Bearer of whatever' })).status).toBe(200);
    expect((await app.request('/usage')).status).toBe(404);
    expect((await app.request('/models')).headers.get('ratelimit-policy')).toBeNull();
  });
});

describe('other origins', () => {
  const preflight = { origin: 'https://app.example', 'access-control-request-method': 'POST' };

  it('may call where they are listed: preflight without a key, the answer and its errors readable', async () => {
    const { app } = await protectedService({}, { corsOrigins: ['https://app.example'] });
    const asked = await app.request('/classify/a', { method: 'OPTIONS', headers: preflight });
    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(asked.headers.get('access-control-allow-headers')).toContain('x-api-key');
    expect(asked.headers.get('access-control-allow-credentials')).toBeNull();
    const refused = await app.request('/models', { headers: { origin: 'https://app.example' } });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(refused.headers.get('vary')).toMatch(/origin/i);
  });

  it.each(['https://app.example.evil', 'http://app.example', 'https://APP.example', 'null'])(
    '%s is not',
    async (origin) => {
      const { app } = await protectedService({}, { corsOrigins: ['https://app.example'] });
      const asked = await app.request('/classify/a', { method: 'OPTIONS', headers: { ...preflight, origin } });
      expect(asked.headers.get('access-control-allow-origin')).toBeNull();
    },
  );
});

describe('security headers', () => {
  it('stand on every answer, errors too', async () => {
    const { app } = await protectedService();
    for (const path of ['/health/live', '/models', '/v1/models/a', '/nothing']) {
      const { headers } = await app.request(path);
      expect(headers.get('content-security-policy'), path).toBe("default-src 'none'; frame-ancestors 'none'");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('strict-transport-security')).toMatch(/max-age=\d{7,}/);
    }
    const page = await app.request('/');
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'self'/);
    expect(page.headers.get('content-security-policy')).not.toContain('unsafe');
  });
});
