import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startService } from './service.ts';

const root = path.join(import.meta.dirname, '../..');
const tsx = path.join(root, 'node_modules/tsx/dist/cli.mjs');

let state: string;
let service: Service;
let garment: Uint8Array<ArrayBuffer>;
beforeAll(async () => {
  state = await mkdtemp(path.join(tmpdir(), 'keys-'));
  garment = new Uint8Array(await readFile(path.join(root, 'test/fixtures/fashion/9-0000.png')));
  await script('migrate.ts');
  const secret = `TOKEN_SECRET:${'s'.repeat(40)}`;
  service = await startService(['--persist-to', state, '--var', 'ACCESS:on', '--var', secret]);
});
afterAll(async () => {
  await service?.stop();
  await rm(state, { recursive: true, force: true });
});

/** What `npm run keys` and `npm run migrate` run. */
async function script(file: string, ...args: string[]): Promise<string> {
  const command = [tsx, path.join(root, 'functions/deploy', file), ...args, '--persist-to', state];
  return (await promisify(execFile)(process.execPath, command, { cwd: root })).stdout.trim();
}

const keys = (...args: string[]) => script('keys.ts', ...args);

function classify(headers: Record<string, string>, model = 'fashion-mlp'): Promise<Response> {
  return fetch(`${service.base}/classify/${model}`, { method: 'POST', body: garment, headers });
}

/** With headers as they are written, twice if so asked: `fetch` would join them. */
function rawStatus(headers: readonly string[]): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(`${service.base}/models`, { headers: ['host', new URL(service.base).host, ...headers] });
    sent.once('response', (answer) => resolve(answer.resume().statusCode));
    sent.once('error', reject).end();
  });
}

describe('keys, from the command line to the answer', () => {
  let key: string;

  it('are made with a name that means harm, shown once, and let in', async () => {
    key = await keys('create', '--name', "Robert'); DROP TABLE keys; --", '--images-per-month', '3', '--expires', '1d');
    expect(key).toMatch(/^ek_[0-9a-f]{12}_[\w-]{43}$/);
    const answer = await classify({ authorization: `Bearer ${key}` });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('ratelimit')).toMatch(/^"images-per-month";r=2;t=\d+$/);
    expect(answer.headers.get('ratelimit-policy')).toContain('"key";q=3000;w=60');
  });

  it('are counted exactly, at once and over HTTP', async () => {
    const answers = await Promise.all([1, 2, 3, 4].map(() => classify({ 'x-api-key': key })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 429, 429]);
    const usage = await fetch(`${service.base}/usage`, { headers: { 'x-api-key': key } });
    expect(await usage.json()).toMatchObject({ images: { used: 3, quota: 3 }, key: { name: expect.any(String) } });
  });

  it('give tokens to apps', async () => {
    const issuer = await keys('create', '--name', 'backend', '--routes', 'tokens,classify', '--models', 'fashion-mlp');
    const issued = await fetch(`${service.base}/tokens`, {
      method: 'POST',
      headers: { authorization: `Bearer ${issuer}`, 'content-type': 'application/json' },
      body: JSON.stringify({ models: ['fashion-mlp'], images: 2 }),
    });
    const { token } = (await issued.json()) as { token: string };
    const answers = await Promise.all([1, 2, 3].map(() => classify({ authorization: `Bearer ${token}` })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 429]);
  });

  it('given twice or smuggled are refused', async () => {
    const bearer = `Bearer ${key}`;
    expect(await rawStatus(['x-api-key', key])).toBe(200);
    expect(await rawStatus(['x-api-key', key, 'x-api-key', 'other'])).toBe(400);
    expect(await rawStatus(['x-api-key', key, 'authorization', 'Bearer other'])).toBe(400);
    // Node's own server, in front of wrangler dev, keeps the first of two Authorization headers: neither opens alone.
    expect(await rawStatus(['authorization', 'Bearer other', 'authorization', bearer])).not.toBe(200);
    expect(await rawStatus(['x_api_key', key])).toBe(401);
    expect(await rawStatus(['cookie', `x-api-key=${key}`])).toBe(401);
    expect((await fetch(`${service.base}/models?key=${key}&x-api-key=${key}`)).status).toBe(401);
  });

  it('are listed without secrets, and revoked', async () => {
    const id = key.slice(3, 15);
    const listed = await keys('list');
    expect(listed).toContain(`${id}  Robert'); DROP TABLE keys; --`);
    expect(listed).toContain('3/3 images');
    expect(listed).not.toContain(key.slice(16));
    expect(await keys('revoke', id)).toMatch(/within 30 s/);
    expect(await keys('list')).toMatch(new RegExp(`${id}.*revoked`));
    await expect(keys('revoke', '000000000000')).rejects.toThrow(/no key with the id/);
    const revoked = () => classify({ 'x-api-key': key }).then(({ status }) => status);
    await expect.poll(revoked, { timeout: 40_000, interval: 2_000 }).toBe(401);
  });

  it.each([
    [['create'], /--name/],
    [['create', '--name', 'x', '--routes', 'everything'], /routes|Invalid/i],
    [['create', '--name', 'x', '--models', '../secrets'], /model id/],
    [['create', '--name', 'x', '--images-per-month', '-1'], /-1|Too small/i],
    [['create', '--name', 'x', '--expires', '2020-01-01'], /over/],
    [['create', '--name', 'x', '--url-hosts', 'https://cdn.example/'], /a host, as/],
    [['delete', 'x'], /keys -- create/],
  ])('npm run keys -- %s says what is wrong', async (args, says) => {
    await expect(keys(...args)).rejects.toThrow(says);
  });
});

describe('with keys on, over HTTP', () => {
  it('what OpenAPI describes is closed, but for health and documentation', async () => {
    const { paths } = (await (await fetch(`${service.base}/openapi.json`)).json()) as { paths: Record<string, object> };
    const open: string[] = [];
    for (const [address, methods] of Object.entries(paths)) {
      for (const method of Object.keys(methods)) {
        const { status } = await fetch(service.base + address.replaceAll(/\{[^}]+\}/g, 'x'), {
          method: method.toUpperCase(),
        });
        if (status !== 401) open.push(address);
      }
    }
    expect(Object.keys(paths).length).toBeGreaterThan(10);
    expect(open.filter((address) => !/^\/(health|docs|openapi\.json|hooks\/|v2\/health)/.test(address))).toEqual([]);
  });

  it.each([
    '/metrics',
    '/models/index.json',
    '/page/..%2fmodels/index.json',
    '/page/%2e%2e%2fmodels%2findex.json',
    '/nothing',
  ])('%s gives nothing away', async (address) => {
    const answer = await fetch(service.base + address);
    expect([401, 404]).toContain(answer.status);
    expect(await answer.text()).not.toContain('fashion-mlp');
  });

  it('the page and its files come, with a strict policy', async () => {
    const page = await fetch(service.base);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'self'.*frame-ancestors 'none'/);
    expect((await fetch(`${service.base}/page/page.js`)).status).toBe(200);
  });
});
