import { createHmac, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it, vi } from 'vitest';
import { ServiceError } from '../../functions/errors.ts';
import { makeSigningSecret, parseSigningSecret, signedHeaders, verifierOf } from '../../functions/webhooks/sign.ts';
import { checkedSecret, type Scheme, verifiedId } from '../../functions/webhooks/verify.ts';

const now = () => Math.floor(Date.now() / 1000);
const bytes = (text: string) => new Uint8Array(new TextEncoder().encode(text));
/** Of the specification's own tests. */
const VECTOR = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', at: 1_614_265_330, body: '{"test": 2432232314}' };
const HMAC = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const ED25519 = 'whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=';

async function refusal(scheme: Scheme, secrets: string[], headers: Record<string, string>, body: string, at = now()) {
  try {
    return await verifiedId(scheme, secrets, new Headers(headers), bytes(body), at);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return `${error.code}: ${error.what}`;
  }
}

describe('signing', () => {
  it.each([
    [HMAC, 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='],
    [ED25519, 'v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag=='],
  ])("gives the signatures of the specification's tests", async (secret, signature) => {
    const headers = await signedHeaders([parseSigningSecret(secret)], VECTOR.id, VECTOR.at, VECTOR.body);
    expect(Object.fromEntries(headers)).toEqual({
      'webhook-id': VECTOR.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': signature,
    });
  });

  it('verifies with the public package, whatever the body, and with either of two secrets', async () => {
    const [one, two] = [makeSigningSecret('hmac'), makeSigningSecret('hmac')];
    const both = [parseSigningSecret(one), parseSigningSecret(makeSigningSecret('ed25519')), parseSigningSecret(two)];
    await fc.assert(
      fc.asyncProperty(fc.json(), async (body) => {
        const headers = Object.fromEntries(await signedHeaders(both, 'evt_1', now(), body));
        for (const secret of [one, two]) expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
        expect(() => new Webhook(makeSigningSecret('hmac')).verify(body, headers)).toThrow(/No matching/);
        expect(() => new Webhook(one).verify(`${body} `, headers)).toThrow(/No matching/);
      }),
      { numRuns: 50 },
    );
  });

  it("verifies with OpenSSL's Ed25519 and the whpk_ that is told", async () => {
    const secret = parseSigningSecret(makeSigningSecret('ed25519'));
    const told = await verifierOf(secret);
    expect(told).toMatch(/^whpk_[A-Za-z0-9+/]{43}=$/);
    const x = Buffer.from(told.slice(5), 'base64').toString('base64url');
    const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } });
    const headers = await signedHeaders([secret], 'evt_2', 1_700_000_000, 'ü');
    const signature = Buffer.from((headers.get('webhook-signature') ?? '').slice(4), 'base64');
    expect(verify(null, Buffer.from('evt_2.1700000000.ü'), key, signature)).toBe(true);
    expect(verify(null, Buffer.from('evt_2.1700000001.ü'), key, signature)).toBe(false);
  });

  it.each([
    ['whsec_AAAA', /24 to 64/],
    [`whsec_${'A'.repeat(88)}`, /24 to 64/],
    ['whsec_%%%', /base64/],
    ['whsk_AAAA', /32 bytes/],
    [`whpk_${'A'.repeat(43)}=`, /begins with/],
    ['MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', /begins with/],
    ['', /begins with/],
  ])('refuses the secret %s without repeating it', (text, says) => {
    expect(() => parseSigningSecret(text)).toThrow(says);
    if (text.length > 9) expect(() => parseSigningSecret(text)).not.toThrow(text.slice(7));
  });

  it('refuses to sign with nothing, or an id that has dots', async () => {
    await expect(signedHeaders([], 'evt_1', 1, '')).rejects.toThrow(/no secret/);
    await expect(signedHeaders([parseSigningSecret(HMAC)], 'evt.1', 1, '')).rejects.toThrow(/dots/);
  });
});

describe('Standard Webhooks', () => {
  const secret = makeSigningSecret('hmac');
  const signed = (body: string, { id = 'msg_1', at = now(), by = secret } = {}) => ({
    'webhook-id': id,
    'webhook-timestamp': String(at),
    'webhook-signature': new Webhook(by).sign(id, new Date(at * 1000), body),
  });

  it('of the public package are taken, with any of the secrets, beside signatures of others', async () => {
    expect(await refusal('standard', [secret], signed('{}'), '{}')).toBe('msg_1');
    expect(await refusal('standard', [makeSigningSecret('hmac'), secret], signed('ü'), 'ü')).toBe('msg_1');
    const { 'webhook-signature': right, ...rest } = signed('{}');
    const among = `v1a,${'A'.repeat(86)}== v1,AAAA v2,x v1,%% ${right}`;
    expect(await refusal('standard', [secret], { ...rest, 'webhook-signature': among }, '{}')).toBe('msg_1');
    const behind = `${'v1,AAAA '.repeat(16)}${right}`;
    expect(await refusal('standard', [secret], { ...rest, 'webhook-signature': behind }, '{}')).toMatch(/^signature-/);
  });

  it("of OpenSSL's Ed25519 are taken with a whpk_", async () => {
    const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 7)]);
    const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
    const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
    const whpk = `whpk_${Buffer.from(x, 'base64url').toString('base64')}`;
    const at = now();
    const signature = sign(null, Buffer.from(`msg_2.${at}.{}`), key).toString('base64');
    const headers = { 'webhook-id': 'msg_2', 'webhook-timestamp': String(at), 'webhook-signature': `v1a,${signature}` };
    expect(await refusal('standard', [whpk], headers, '{}')).toBe('msg_2');
    expect(await refusal('standard', [secret, whpk], headers, '{}')).toBe('msg_2');
    expect(await refusal('standard', [whpk], headers, '{ }')).toMatch(/^signature-refused/);
    const asHmac = { ...headers, 'webhook-signature': `v1,${signature}` };
    expect(await refusal('standard', [whpk], asHmac, '{}')).toMatch(/^signature-refused/);
    // The public key is known to all: as an HMAC secret it must open nothing.
    const forged = new Webhook(`whsec_${whpk.slice(5)}`).sign('msg_2', new Date(at * 1000), '{}');
    for (const version of ['v1', 'v1a']) {
      const attempt = { ...headers, 'webhook-signature': forged.replace('v1', version) };
      expect(await refusal('standard', [whpk], attempt, '{}')).toMatch(/^signature-refused/);
    }
  });

  it.each<[string, (headers: ReturnType<typeof signed>) => Record<string, string>, string]>([
    ['no signature', ({ 'webhook-signature': _, ...rest }) => rest, 'webhook-signature is missing'],
    ['no time', ({ 'webhook-timestamp': _, ...rest }) => rest, 'webhook-timestamp is missing'],
    ['no id', ({ 'webhook-id': _, ...rest }) => rest, 'webhook-id is missing'],
    ['another id', (headers) => ({ ...headers, 'webhook-id': 'msg_2' }), 'is of the secret'],
    ['another time', (headers) => ({ ...headers, 'webhook-timestamp': String(now() - 1) }), 'is of the secret'],
    ['a time with a sign', (headers) => ({ ...headers, 'webhook-timestamp': `+${now()}` }), 'not in seconds'],
    ['a time with a fraction', (headers) => ({ ...headers, 'webhook-timestamp': `${now()}.5` }), 'not in seconds'],
    ['an empty signature', (headers) => ({ ...headers, 'webhook-signature': '' }), 'is of the secret'],
    ['an empty v1', (headers) => ({ ...headers, 'webhook-signature': 'v1,' }), 'is of the secret'],
    [
      'another version',
      (headers) => ({ ...headers, 'webhook-signature': headers['webhook-signature'].replace('v1', 'v2') }),
      'is of the secret',
    ],
    [
      'a shorter signature',
      (headers) => ({ ...headers, 'webhook-signature': headers['webhook-signature'].slice(0, -4) }),
      'is of the secret',
    ],
    ['a dot in the id', () => signed('{}', { id: 'msg.1' }), 'dots'],
    ['a long id', () => signed('{}', { id: 'm'.repeat(129) }), 'too long'],
    ['a clock 301 s late', () => signed('{}', { at: now() - 301 }), '300 seconds'],
    ['a clock 302 s early', () => signed('{}', { at: now() + 302 }), '300 seconds'],
    ['another secret', () => signed('{}', { by: makeSigningSecret('hmac') }), 'is of the secret'],
  ])('with %s are refused', async (_name, changed, says) => {
    const said = await refusal('standard', [secret], changed(signed('{}')), '{}');
    expect(said).toMatch(/^signature-refused: /);
    expect(said).toContain(says);
  });

  it('within the window are taken', async () => {
    for (const at of [now() - 298, now() + 298]) {
      expect(await refusal('standard', [secret], signed('{}', { at }), '{}')).toBe('msg_1');
    }
  });

  it('cut elsewhere are refused', async () => {
    const at = now();
    const body = `${at}.{"url":"https://evil.example/"}`;
    const { 'webhook-signature': signature } = signed(body, { at });
    const recut = { 'webhook-id': `msg_1.${at}`, 'webhook-timestamp': String(at), 'webhook-signature': signature };
    expect(await refusal('standard', [secret], recut, body.slice(body.indexOf('.') + 1))).toMatch(/dots/);
  });
});

describe("GitHub's", () => {
  const secret = "It's a Secret to Everybody";
  const signature = (body: string) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

  it('are taken as its documentation has them', async () => {
    const documented = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
    const id = await refusal('github', [secret], { 'x-hub-signature-256': documented }, 'Hello, World!');
    // SHA-256 of the body, as `sha256sum` says it.
    expect(id).toBe('dffd6021bb2bd5b0af676290809ec3a53191dd81c7f70a4b28688a362182986f');
    expect(
      await refusal('github', ['x'.repeat(16), secret], { 'x-hub-signature-256': signature('ü') }, 'ü'),
    ).toHaveLength(64);
  });

  it.each([
    ['no header', {}, 'missing'],
    ['SHA-1', { 'x-hub-signature': `sha1=${'0'.repeat(40)}` }, 'missing'],
    ['another body', { 'x-hub-signature-256': signature('other') }, 'not of the secret'],
    ['capitals', { 'x-hub-signature-256': signature('{}').toUpperCase() }, 'not of the secret'],
    ['a shorter one', { 'x-hub-signature-256': signature('{}').slice(0, -2) }, 'not of the secret'],
    ['nothing', { 'x-hub-signature-256': 'sha256=' }, 'not of the secret'],
    ['two', { 'x-hub-signature-256': `${signature('{}')}, ${signature('{}')}` }, 'not of the secret'],
  ])('with %s are refused', async (_name, headers, says) => {
    expect(await refusal('github', [secret], headers as Record<string, string>, '{}')).toContain(says);
  });
});

describe("Stripe's", () => {
  const secret = 'whsec_the_whole_text_is_the_key';
  const hex = (at: number, body: string, by = secret) => createHmac('sha256', by).update(`${at}.${body}`).digest('hex');

  it('are taken, also beside v0 and another v1', async () => {
    const at = now();
    for (const header of [
      `t=${at},v1=${hex(at, '{}')}`,
      `t=${at},v1=${'0'.repeat(64)},v1=${hex(at, '{}')},v0=${'1'.repeat(64)}`,
      `v0=abc,v1=${hex(at, '{}')},t=${at}`,
    ]) {
      expect(await refusal('stripe', [secret], { 'stripe-signature': header }, '{}')).toHaveLength(64);
    }
  });

  it('are the same event when they are sent again, with another time', async () => {
    const ids = [now() - 60, now()].map((at) =>
      refusal('stripe', [secret], { 'stripe-signature': `t=${at},v1=${hex(at, '{}')}` }, '{}'),
    );
    expect(new Set(await Promise.all(ids)).size).toBe(1);
  });

  it.each<[string, (at: number) => string, string]>([
    ['no time', (at) => `v1=${hex(at, '{}')}`, 'not in seconds'],
    ['an old time', (at) => `t=${at - 301},v1=${hex(at - 301, '{}')}`, '300 seconds'],
    ['another time', (at) => `t=${at - 1},v1=${hex(at, '{}')}`, 'not of the secret'],
    ['two times', (at) => `t=${at},t=${at - 1},v1=${hex(at - 1, '{}')}`, 'not of the secret'],
    ['v0 only', (at) => `t=${at},v0=${hex(at, '{}')}`, 'not of the secret'],
    ['another secret', (at) => `t=${at},v1=${hex(at, '{}', 'other')}`, 'not of the secret'],
    ['17 signatures', (at) => `t=${at}${`,v1=${'0'.repeat(64)}`.repeat(16)},v1=${hex(at, '{}')}`, 'not of the secret'],
  ])('with %s are refused', async (_name, header, says) => {
    expect(await refusal('stripe', [secret], { 'stripe-signature': header(now()) }, '{}')).toContain(says);
  });
});

it('no header at all is taken, and none throws anything else', async () => {
  const text = fc.string({ maxLength: 60 }).map((value) => value.replaceAll(/[^\x20-\x7e]/g, ''));
  const part = fc.oneof(text, fc.constantFrom('v1,', 'v1a,', 't=', 'v1=', 'sha256=', String(now()), 'AAAA', ',', ' '));
  const value = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(''));
  let tried = 0;
  await fc.assert(
    fc.asyncProperty(value, value, value, async (a, b, c) => {
      const headers = {
        'webhook-id': a,
        'webhook-timestamp': b,
        'webhook-signature': c,
        'x-hub-signature-256': c,
        'stripe-signature': c,
      };
      for (const scheme of ['standard', 'github', 'stripe'] as const) {
        const secret = scheme === 'standard' ? HMAC : 'sixteen characters';
        expect(await refusal(scheme, [secret], headers, '{}')).toMatch(/^signature-refused/);
        tried++;
      }
    }),
    { numRuns: 300 },
  );
  expect(tried).toBe(900);
});

it.each<[Scheme, string, Record<string, string>]>([
  [
    'standard',
    HMAC,
    { 'webhook-id': 'a', 'webhook-timestamp': String(now()), 'webhook-signature': `v1,${'A'.repeat(43)}=` },
  ],
  ['github', 'sixteen characters', { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }],
  ['stripe', 'sixteen characters', { 'stripe-signature': `t=${now()},v1=${'0'.repeat(64)}` }],
])('%s is compared by Web Cryptography, in constant time', async (scheme, secret, headers) => {
  const compare = vi.spyOn(crypto.subtle, 'verify');
  expect(await refusal(scheme, [secret], headers, '{}')).toMatch(/^signature-refused/);
  expect(compare).toHaveBeenCalledOnce();
  compare.mockRestore();
});

it.each<[Scheme, string, boolean]>([
  ['standard', HMAC, true],
  ['standard', `whpk_${Buffer.alloc(32).toString('base64')}`, true],
  ['standard', ED25519, false],
  ['standard', 'whpk_AAAA', false],
  ['standard', 'a text of more than sixteen', false],
  ['github', 'a text of more than sixteen', true],
  ['github', 'short', false],
  ['stripe', 'whsec_text_of_the_sender', true],
])('a source of scheme %s with the secret %s: %s', (scheme, secret, good) => {
  const check = () => checkedSecret(scheme, secret);
  if (good) expect(check()).toBe(secret);
  else expect(check).toThrow();
});
