import { beforeAll, describe, expect, it, vi } from 'vitest';
import { addKey, bearer, emptyTables, protectedService, SECRET } from './protected-service.ts';

let database: D1Database;
let service: Awaited<ReturnType<typeof protectedService>>;
beforeAll(async () => {
  database = await emptyTables();
  service = await protectedService();
});

const ask = (key: string, body: unknown, { app } = service) =>
  app.request('/tokens', { method: 'POST', body: JSON.stringify(body), headers: bearer(key) });

async function tokenOf(key: string, body: object): Promise<string> {
  const answer = await ask(key, body);
  expect(answer.status).toBe(201);
  return (await answer.json<{ token: string }>()).token;
}

const decoded = (part: string | undefined = '') => JSON.parse(atob(part.replaceAll('-', '+').replaceAll('_', '/')));
const encoded = (value: object | Uint8Array) =>
  btoa(value instanceof Uint8Array ? String.fromCharCode(...value) : JSON.stringify(value))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

/** HMAC-SHA256 by the platform, not by the library that the service uses (RFC 7515, appendix A.1). */
async function signed(header: object, payload: object, secret = SECRET, hash = 'SHA-256'): Promise<string> {
  const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(secret), { name: 'HMAC', hash }, false, [
    'sign',
  ]);
  const text = `${encoded(header)}.${encoded(payload)}`;
  return `${text}.${encoded(new Uint8Array(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(text))))}`;
}

describe('a client token', () => {
  it('is a JWT of the length, models, count and origin that were asked for', async () => {
    const key = await addKey();
    const answer = await ask(key, { models: ['a'], images: 3, origin: 'https://app.example', seconds: 60 });
    const { token, expires_at: expires, images } = await answer.json<Record<string, string>>();
    const [header, payload] = (token ?? '').split('.', 2).map(decoded);
    expect(header).toEqual({ alg: 'HS256', typ: 'client+jwt' });
    expect(payload.exp - payload.iat).toBe(60);
    expect(payload).toMatchObject({ models: ['a'], origin: 'https://app.example', sub: key.slice(3, 15) });
    expect([Date.parse(expires ?? '') / 1000, images]).toEqual([payload.exp, 3]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('asks about so many pictures, however many ask at once, and no more', async () => {
    const key = await addKey();
    const headers = bearer(await tokenOf(key, { models: ['a'], images: 3 }));
    const answers = await Promise.all(Array.from({ length: 6 }, () => service.classify(headers)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 429, 429, 429]);
    expect((await service.classify(headers)).status).toBe(429);
    const usage = await service.app.request('/usage', { headers });
    expect(await usage.json()).toMatchObject({ token: { images_left: 0 } });
    await vi.waitFor(async () => expect((await service.usage(key)).images.used).toBe(3), 5_000);
  });

  it('keeps its picture where the quota of its key refuses', async () => {
    const key = await addKey({ quota: 1 });
    const headers = bearer(await tokenOf(key, { models: ['a'], images: 5 }));
    expect((await service.classify(headers)).status).toBe(200);
    expect((await service.classify(headers)).status).toBe(429);
    const usage = await (await service.app.request('/usage', { headers })).json();
    expect(usage).toMatchObject({ images: { used: 1, quota: 1 }, token: { images_left: 4 } });
  });

  it('is for its models and for classifying', async () => {
    const headers = bearer(await tokenOf(await addKey(), { models: ['a'], images: 3 }));
    expect((await service.classify(headers, 'b')).status).toBe(403);
    expect((await service.app.request('/metrics', { headers })).status).toBe(403);
    const more = await service.app.request('/tokens', { method: 'POST', body: '{}', headers });
    expect(more.status).toBe(403);
  });

  it('is for its origin', async () => {
    const key = await addKey();
    const page = bearer(await tokenOf(key, { models: ['a'], images: 9, origin: 'https://app.example' }));
    const app = bearer(await tokenOf(key, { models: ['a'], images: 9 }));
    const from = (origin: string, headers: object) => service.classify({ ...headers, origin });
    expect((await from('https://app.example', page)).status).toBe(200);
    for (const other of ['https://app.example:8443', 'http://app.example', 'null', 'https://app.example, https://x']) {
      expect((await from(other, page)).status, other).toBe(403);
    }
    expect((await service.classify(page)).status).toBe(403);
    expect((await service.classify(app)).status).toBe(200);
    expect((await from('https://app.example', app)).status).toBe(403);
  });

  it('ends after its time, and with its key', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    try {
      const key = await addKey({ id: 'c0ffee000002' });
      const headers = bearer(await tokenOf(key, { models: ['a'], images: 9, seconds: 100 }));
      vi.setSystemTime(Date.now() + 98_000);
      expect((await service.classify(headers)).status).toBe(200);
      vi.setSystemTime(Date.now() + 3_000);
      const late = await service.classify(headers);
      expect([late.status, await late.text()]).toEqual([401, expect.stringContaining('has expired')]);
      const another = bearer(await tokenOf(key, { models: ['a'], images: 9 }));
      await database.prepare('UPDATE keys SET revoked_at = 1 WHERE id = ?').bind('c0ffee000002').run();
      vi.setSystemTime(Date.now() + 30_000);
      expect((await service.classify(another)).status).toBe(401);
    } finally {
      vi.useRealTimers();
    }
  });

  it('never outlives its key', async () => {
    const expiresAt = Math.floor(Date.now() / 1000) + 500;
    const token = await tokenOf(await addKey({ expiresAt }), { models: ['a'], images: 9 });
    expect(decoded(token.split('.')[1]).exp).toBe(expiresAt);
  });

  it('that was forged is refused', async () => {
    const token = await tokenOf(await addKey(), { models: ['a'], images: 9 });
    const [head = '', body = '', signature = ''] = token.split('.');
    const header = decoded(head);
    const payload = decoded(body);
    const status = async (forged: string) => (await service.classify(bearer(forged))).status;
    // The same parts, signed here: what is refused below is refused for what was changed.
    expect(await status(await signed(header, payload))).toBe(200);
    const { exp: _exp, ...endless } = payload;
    const forged: [string, string][] = [
      ['alg none', `${encoded({ ...header, alg: 'none' })}.${body}.`],
      ['alg none, signature kept', `${encoded({ ...header, alg: 'none' })}.${body}.${signature}`],
      ['alg nOnE', `${encoded({ ...header, alg: 'nOnE' })}.${body}.`],
      ['alg HS512', await signed({ ...header, alg: 'HS512' }, payload, SECRET, 'SHA-512')],
      ['another secret', await signed(header, payload, `${SECRET}!`)],
      ['an empty secret', await signed(header, payload, '\0')],
      ['more models', `${head}.${encoded({ ...payload, models: ['a', 'b'] })}.${signature}`],
      ['no signature', `${head}.${body}.`],
      ['a signature cut short', `${head}.${body}.${signature.slice(0, -2)}`],
      ['no expiry', await signed(header, endless)],
      ['two hours', await signed(header, { ...payload, iat: payload.iat - 3_700, exp: payload.exp + 3_500 })],
      ['issued tomorrow', await signed(header, { ...payload, iat: payload.iat + 86_400, exp: payload.exp + 86_400 })],
      ['not yet', await signed(header, { ...payload, nbf: payload.iat + 1_000 })],
      ['another audience', await signed(header, { ...payload, aud: 'urn:other' })],
      ['another issuer', await signed(header, { ...payload, iss: 'urn:other' })],
      ['another type', await signed({ ...header, typ: 'JWT' }, payload)],
      ['a critical extension', await signed({ ...header, crit: ['x'], x: 1 }, payload)],
      ['a key of nobody', await signed(header, { ...payload, sub: '000000000000' })],
      ['four parts', `${token}.x`],
    ];
    for (const [name, text] of forged) expect([name, await status(text)]).toEqual([name, 401]);
    // Signed with the secret, but never given out: there is nothing to count down.
    expect(await status(await signed(header, { ...payload, jti: crypto.randomUUID() }))).toBe(429);
  });
});

describe('POST /tokens', () => {
  it.each<[string, object, RegExp]>([
    ['more than an hour', { models: ['a'], images: 1, seconds: 3_601 }, /#\/seconds/],
    ['no model', { models: [], images: 1 }, /#\/models/],
    ['no pictures', { models: ['a'], images: 0 }, /#\/images/],
    ['a half picture', { models: ['a'], images: 1.5 }, /#\/images/],
    ['an origin with a path', { models: ['a'], images: 1, origin: 'https://app.example/x' }, /#\/origin/],
    ['an origin that is null', { models: ['a'], images: 1, origin: 'null' }, /#\/origin/],
    ['what nobody knows', { models: ['a'], images: 1, scope: 'all' }, /scope/],
  ])('refuses %s', async (_name, body, says) => {
    const answer = await ask(await addKey(), body);
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringMatching(says)]);
  });

  it('gives no model that the key has not, and nothing without its route', async () => {
    expect((await ask(await addKey({ models: ['a'] }), { models: ['a', 'b'], images: 1 })).status).toBe(403);
    expect((await ask(await addKey({ models: ['a'] }), { models: ['*'], images: 1 })).status).toBe(403);
    expect((await ask(await addKey({ routes: ['classify'] }), { models: ['a'], images: 1 })).status).toBe(403);
  });

  it('says what is missing where there is no secret', async () => {
    const without = await protectedService({ tokenSecret: undefined });
    const answer = await ask(await addKey(), { models: ['a'], images: 1 }, without);
    expect([answer.status, await answer.text()]).toEqual([501, expect.stringContaining('TOKEN_SECRET')]);
  });
});
