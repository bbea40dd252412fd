import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** `fetchImage` in workerd itself, against servers that mean harm; 1 MB and half a second are its bounds. */
const root = path.join(import.meta.dirname, '../..');
const WORKER = `
import { fetchImage } from './functions/input/fetch-url.ts';
export default {
  async fetch(request) {
    const url = new URL(request.url).searchParams.get('url');
    try {
      const bytes = await fetchImage(url, { allowHttpLoopback: true }, { bytes: 1_000_000, milliseconds: 500 });
      return Response.json({ bytes: bytes.length });
    } catch (error) {
      if (error.name !== 'ServiceError') return Response.json({ thrown: String(error) });
      return Response.json({ code: error.code, what: error.what, again: error.retryAfterSeconds });
    }
  },
};`;

const png = readFileSync(path.join(root, 'test/fixtures/fashion/9-0000.png'));
/** 49 kB, and 50 MB when unpacked. */
const bomb = gzipSync(Buffer.concat([png, Buffer.alloc(50_000_000)]));
const requests: IncomingMessage[] = [];
let open = 0;
let inside: Miniflare;
let publicOnly: Miniflare;
let base: string;
const server = createServer((request, response) => {
  requests.push(request);
  const page = PAGES[request.url ?? ''] ?? ((_, r) => r.writeHead(404).end('nothing'));
  page(request, response);
});

const redirect =
  (location: string, status = 302) =>
  (_: unknown, response: ServerResponse) =>
    response.writeHead(status, { location, 'set-cookie': 'session=secret' }).end();

/** Sends a piece every `ms` until the other side goes. */
function drip(response: ServerResponse, piece: Uint8Array, ms: number) {
  const timer = setInterval(() => response.write(piece), ms);
  open++;
  response.once('close', () => {
    open--;
    clearInterval(timer);
  });
}

const PAGES: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>> = {
  '/image': (_, response) => response.writeHead(200, { 'content-type': 'text/plain' }).end(png),
  '/chunked': (_, response) => {
    for (const byte of png) response.write(Uint8Array.of(byte));
    response.end();
  },
  '/gzip': (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(png)),
  '/gzip-bomb': (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
  '/page': (_, response) => response.writeHead(200, { 'content-type': 'image/png' }).end('<html>secrets of a page'),
  '/empty': (_, response) => response.writeHead(200).end(),
  '/silent': () => {},
  '/trickle': (_, response) => {
    response.writeHead(200).write(png);
    drip(response, Uint8Array.of(0), 50);
  },
  '/endless': (_, response) => {
    response.writeHead(200).write(png);
    drip(response, new Uint8Array(200_000), 1);
  },
  '/endless-page': (_, response) => {
    response.writeHead(200).write('<html>');
    drip(response, new Uint8Array(1_000), 5);
  },
  '/large': (_, response) => {
    response.writeHead(200, { 'content-length': '1000001' }).write(png);
    drip(response, Uint8Array.of(0), 50);
  },
  '/cut': (_, response) => {
    response.writeHead(200, { 'content-length': String(png.length) }).write(png.subarray(0, 100));
    setTimeout(() => response.destroy(), 20);
  },
  '/reset': (request) => request.socket.destroy(),
  '/busy': (_, response) => response.writeHead(503, { 'retry-after': '9' }).end(),
  '/hop': redirect('image'),
  '/see-other': redirect('/image', 303),
  '/kept': redirect('/image', 308),
  '/loop': redirect('/loop'),
  '/metadata': redirect('http://169.254.169.254/latest/meta-data/'),
  '/no-location': (_, response) => response.writeHead(302).end(),
};

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { outputFiles } = await build({
    stdin: { contents: WORKER, resolveDir: root, loader: 'ts' },
    bundle: true,
    format: 'esm',
    write: false,
  });
  const worker = {
    modules: true,
    script: outputFiles[0]?.text ?? '',
    compatibilityDate: '2026-04-20',
    handleRuntimeStdio: (output: { resume(): void }) => output.resume(),
  };
  inside = new Miniflare(worker);
  publicOnly = new Miniflare({ ...worker, outboundService: { network: { allow: ['public'] } } });
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await Promise.all([inside?.dispose(), publicOnly?.dispose()]);
});

async function fetched(url: string, miniflare = inside) {
  const answer = await miniflare.dispatchFetch(`http://worker/?url=${encodeURIComponent(url)}`);
  return (await answer.json()) as { bytes?: number; code?: string; what?: string; again?: number; thrown?: string };
}

describe('in workerd', () => {
  it.each(['/image', '/chunked', '/gzip', '/hop', '/see-other', '/kept'])('%s gives a picture', async (page) => {
    expect(await fetched(base + page)).toEqual({ bytes: png.length });
  });

  it.each([
    ['/page', 'image-unsupported', undefined],
    ['/empty', 'image-unsupported', undefined],
    ['/endless-page', 'image-unsupported', undefined],
    ['/nothing', 'fetch-failed', undefined],
    ['/loop', 'fetch-failed', undefined],
    ['/no-location', 'fetch-failed', undefined],
    ['/metadata', 'address-refused', undefined],
    ['/large', 'body-too-large', undefined],
    ['/endless', 'body-too-large', undefined],
    ['/gzip-bomb', 'body-too-large', undefined],
    ['/busy', 'fetch-failed', 9],
    ['/reset', 'fetch-failed', 5],
    ['/cut', 'fetch-failed', 5],
    ['/silent', 'fetch-failed', 5],
    ['/trickle', 'fetch-failed', 5],
  ])('%s ends as %s, within its time', async (page, code, again) => {
    const began = performance.now();
    const answer = await fetched(base + page);
    expect([answer.code, answer.again, answer.thrown]).toEqual([code, again, undefined]);
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(answer.what).not.toContain('secrets');
  });

  it('lets go of what it does not want', async () => {
    await expect.poll(() => open, { timeout: 5_000 }).toBe(0);
  });

  it('carries no cookie from one hop to the next, and nothing of the caller', async () => {
    requests.length = 0;
    await inside.dispatchFetch(`http://worker/?url=${encodeURIComponent(`${base}/hop`)}`, {
      headers: { cookie: 'mine=1', authorization: 'Bearer mine', 'x-api-key': 'mine' },
    });
    expect(requests.map(({ url }) => url)).toEqual(['/hop', '/image']);
    for (const { headers } of requests) expect(JSON.stringify(headers)).not.toMatch(/mine|session/);
  });

  it('connects to no private address, whatever name led there, where its network service allows the public only', async () => {
    const named = base.replace('127.0.0.1', 'localhost');
    expect(await fetched(`${named}/image`)).toEqual({ bytes: png.length });
    requests.length = 0;
    for (const address of [base, named]) {
      expect((await fetched(`${address}/image`, publicOnly)).code).toBe('fetch-failed');
    }
    expect(requests).toEqual([]);
  });
});
