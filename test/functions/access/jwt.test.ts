import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { addKey, bearer, emptyTables, protectedService, SECRET } from './protected-service.ts';

const ISSUER = 'https://team.cloudflareaccess.com';
const AUDIENCE = '4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2';
const jwt = { issuer: ISSUER, audience: AUDIENCE, jwks: new URL(`${ISSUER}/cdn-cgi/access/certs`) };

const encoded = (value: object | Uint8Array) =>
  btoa(value instanceof Uint8Array ? String.fromCharCode(...value) : JSON.stringify(value))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

/** RSASSA-PKCS1-v1_5 by the platform, not by the library that the service uses. */
const RSA = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' };
let pair: CryptoKeyPair;
let jwk: JsonWebKey;
beforeAll(async () => {
  await emptyTables();
  pair = (await crypto.subtle.generateKey(RSA, true, ['sign', 'verify'])) as CryptoKeyPair;
  jwk = (await crypto.subtle.exportKey('jwk', pair.publicKey)) as JsonWebKey;
});

async function signed(header: object, payload: object, { privateKey } = pair): Promise<string> {
  const text = `${encoded(header)}.${encoded(payload)}`;
  const signature = await crypto.subtle.sign(RSA.name, privateKey, new TextEncoder().encode(text));
  return `${text}.${encoded(new Uint8Array(signature))}`;
}

const header = { alg: 'RS256', kid: 'one', typ: 'JWT' };
const payload = () => {
  const now = Math.floor(Date.now() / 1000);
  return { iss: ISSUER, aud: [AUDIENCE], sub: 'person-1', iat: now, nbf: now, exp: now + 600 };
};

let fetched: string[];
let certificates: () => Promise<Response>;
beforeEach(() => {
  fetched = [];
  certificates = async () => Response.json({ keys: [{ ...jwk, kid: 'one', alg: 'RS256', use: 'sig' }] });
  vi.stubGlobal('fetch', (url: string | URL) => {
    fetched.push(String(url));
    return certificates();
  });
});
afterEach(() => vi.unstubAllGlobals());

describe('a JWT of an identity provider', () => {
  it('is taken from Authorization and from Cloudflare Access, and the public keys are fetched once', async () => {
    const { classify, lines } = await protectedService({ jwt });
    const token = await signed(header, payload());
    const ways: Record<string, string>[] = [
      bearer(token),
      { 'cf-access-jwt-assertion': token },
      { 'x-api-key': token },
    ];
    for (const headers of ways) {
      expect((await classify(headers)).status).toBe(200);
    }
    expect(fetched).toEqual([`${ISSUER}/cdn-cgi/access/certs`]);
    expect(lines.at(-1)).toMatchObject({ caller: 'jwt:person-1' });
  });

  it('stands behind a key, where both are there', async () => {
    const { classify, lines } = await protectedService({ jwt });
    const key = await addKey({ id: 'c0ffee000003' });
    await classify({ ...bearer(key), 'cf-access-jwt-assertion': await signed(header, payload()) });
    expect(lines.at(-1)).toMatchObject({ caller: 'key:c0ffee000003' });
  });

  it('that was forged, or is for others, is refused', async () => {
    const { classify } = await protectedService({ jwt });
    const stranger = (await crypto.subtle.generateKey(RSA, true, ['sign', 'verify'])) as CryptoKeyPair;
    const hmac = await crypto.subtle.importKey(
      'raw',
      new TextEncoder().encode(JSON.stringify(jwk)),
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      ['sign'],
    );
    const confused = `${encoded({ ...header, alg: 'HS256' })}.${encoded(payload())}`;
    const mac = new Uint8Array(await crypto.subtle.sign('HMAC', hmac, new TextEncoder().encode(confused)));
    const { exp: _exp, ...endless } = payload();
    const good = await signed(header, payload());
    const forged: [string, string][] = [
      ['alg none', `${encoded({ ...header, alg: 'none' })}.${encoded(payload())}.`],
      ['the public key as an HMAC secret', `${confused}.${encoded(mac)}`],
      ['another signer', await signed(header, payload(), stranger)],
      ['another signer who brings his key', await signed({ ...header, jwk }, payload(), stranger)],
      ['an unknown key id', await signed({ ...header, kid: 'two' }, payload())],
      ['another audience', await signed(header, { ...payload(), aud: 'other' })],
      ['no audience', await signed(header, { ...payload(), aud: undefined })],
      ['another issuer', await signed(header, { ...payload(), iss: `${ISSUER}.evil.example` })],
      ['expired', await signed(header, { ...payload(), exp: payload().iat - 60 })],
      ['not yet valid', await signed(header, { ...payload(), nbf: payload().iat + 60 })],
      ['without an end', await signed(header, endless)],
      ['of nobody', await signed(header, { ...payload(), sub: '' })],
      ['changed', good.replace(/\.[^.]+\./, `.${encoded({ ...payload(), sub: 'admin' })}.`)],
      ['as a client token', await signed({ ...header, typ: 'client+jwt' }, payload())],
    ];
    for (const [name, token] of forged) {
      const answer = await classify(bearer(token));
      expect([name, answer.status]).toEqual([name, 401]);
      expect(await answer.text()).not.toContain(SECRET);
    }
    expect((await classify(bearer(good))).status).toBe(200);
  });

  it('reaches what its scope names, all without one, and never gets tokens', async () => {
    const { app } = await protectedService({ jwt });
    const status = async (path: string, claims: object, method = 'GET') =>
      (await app.request(path, { method, headers: bearer(await signed(header, { ...payload(), ...claims })) })).status;
    expect(await status('/models', {})).toBe(200);
    expect(await status('/models', { scope: 'openid models' })).toBe(200);
    expect(await status('/models', { scope: 'openid profile' })).toBe(403);
    expect(await status('/models', { scope: ['models'] })).toBe(403);
    expect(await status('/usage', {})).toBe(403);
    expect(await status('/tokens', {}, 'POST')).toBe(403);
  });

  it.each<[string, () => Promise<Response>]>([
    ['cannot be reached', () => Promise.reject(new TypeError('no route to host'))],
    ['answers 500', async () => new Response('oops', { status: 500 })],
    ['answers no JWKS', async () => Response.json({ keys: 'none' })],
  ])('is refused for now where its provider %s, and taken later', async (_name, answers) => {
    const { classify } = await protectedService({ jwt });
    const token = await signed(header, payload());
    const [good] = [certificates];
    certificates = answers;
    const answer = await classify(bearer(token));
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '30']);
    certificates = good;
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 });
    expect((await classify(bearer(token))).status).toBe(200);
    vi.useRealTimers();
  });

  it('is nothing where none is configured', async () => {
    const { classify } = await protectedService();
    expect((await classify(bearer(await signed(header, payload())))).status).toBe(401);
    expect(fetched).toEqual([]);
  });
});
