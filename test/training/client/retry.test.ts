import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { photos } from '../../../functions/client/photos.ts';
import { retryAfter } from '../../../functions/client/refused.ts';
import { fetchPatiently } from '../../../functions/client/retry.ts';
import { Refused } from '../../../functions/client.ts';

let server: Server | undefined;
let seen: { key: string | undefined; body: string; url: string; at: number }[] = [];
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  seen = [];
});

type Reply = (response: ServerResponse, request: IncomingMessage) => void;
/** Replies in turn, the last of them to all that follows. */
async function serve(...replies: Reply[]): Promise<string> {
  server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    seen.push({ key: request.headers['idempotency-key'] as string, body, url: request.url ?? '', at: Date.now() });
    replies[Math.min(seen.length, replies.length) - 1]?.(response, request);
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const ok: Reply = (response) => response.end('{"predictions": []}');
const status =
  (code: number, headers: Record<string, string> = {}): Reply =>
  (response) => {
    const problem = { type: '/problems#busy', status: code, title: 'No', detail: `because ${code}` };
    response.writeHead(code, headers).end(JSON.stringify(problem));
  };
const lost: Reply = (response) => response.destroy();
const never: Reply = () => {};
const post = { method: 'POST', body: 'picture' };

describe('fetchPatiently', () => {
  it('asks again after what passes, with one idempotency key and the whole body', async () => {
    const base = await serve(status(503), lost, ok);
    expect((await fetchPatiently(base, post)).status).toBe(200);
    expect(seen.map(({ body }) => body)).toEqual(['picture', 'picture', 'picture']);
    expect(seen[0]?.key).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(seen.map(({ key }) => key)).size).toBe(1);
    await fetchPatiently(base, post);
    expect(seen[3]?.key).not.toBe(seen[0]?.key);
  });

  it('waits as long as it is told to', async () => {
    const base = await serve(status(429, { 'retry-after': '1' }), ok);
    await fetchPatiently(base, post);
    expect((seen[1]?.at ?? 0) - (seen[0]?.at ?? 0)).toBeGreaterThanOrEqual(990);
  });

  it.each([400, 401, 404, 413, 415, 422, 500])('takes %i for an answer', async (code) => {
    const base = await serve(status(code), ok);
    const error = await fetchPatiently(base, post).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Refused);
    expect(error).toMatchObject({ message: `because ${code}`, problem: { status: code } });
    expect(seen).toHaveLength(1);
  });

  it('does not wait for hours', async () => {
    const base = await serve(status(429, { 'retry-after': '3600' }), ok);
    await expect(fetchPatiently(base, post)).rejects.toMatchObject({ retryAfterSeconds: 3600 });
    expect(seen).toHaveLength(1);
  });

  it('gives up after as many attempts, with the last refusal', async () => {
    const base = await serve(status(503));
    await expect(fetchPatiently(base, post, { attempts: 2 })).rejects.toBeInstanceOf(Refused);
    expect(seen).toHaveLength(2);
  });

  it('says what a gateway says that knows no problem documents', async () => {
    const base = await serve((response) => response.writeHead(404).end('<html>'));
    await expect(fetchPatiently(base, post)).rejects.toMatchObject({ problem: { status: 404, title: 'Not Found' } });
  });

  it('stops when it is told to, while it is answered and while it waits', async () => {
    for (const reply of [never, status(503, { 'retry-after': '10' })]) {
      const base = await serve(reply);
      const stop = new AbortController();
      setTimeout(() => stop.abort(), 100);
      const started = Date.now();
      await expect(fetchPatiently(base, post, { signal: stop.signal })).rejects.toMatchObject({ name: 'AbortError' });
      expect(Date.now() - started).toBeLessThan(3000);
      server?.closeAllConnections();
      server?.close();
      seen = [];
    }
  });

  it('has an end', async () => {
    const base = await serve(never);
    await expect(fetchPatiently(base, post, { timeoutMs: 150 })).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});

it('retryAfter reads seconds and dates', () => {
  const of = (value: string) => retryAfter(new Headers({ 'retry-after': value }), Date.UTC(2026, 0, 1));
  expect([of('7'), of('Thu, 01 Jan 2026 00:00:09 GMT'), of('Wed, 31 Dec 2025 00:00:00 GMT'), of('soon')]).toEqual([
    7,
    9,
    0,
    undefined,
  ]);
});

it('photos() asks for the advice once, and sends what it cannot read as it is', async () => {
  const base = await serve(ok);
  const { classify } = photos(`${base}/`, 'key');
  for (let n = 0; n < 2; n++) await classify('auto', new Blob(['no picture']), { top_k: 2, labels: ['a b', 'c'] });
  expect(seen.map(({ url }) => url)).toEqual([
    '/models/auto',
    '/classify/auto?top_k=2&labels=a+b&labels=c',
    '/classify/auto?top_k=2&labels=a+b&labels=c',
  ]);
  expect(seen[2]?.body).toBe('no picture');
});
