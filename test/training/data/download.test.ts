import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { download } from '../../../training/data/download.ts';
import { type FlakyServer, sendRange, serve } from './flaky-server.ts';

const file = randomBytes(200_000);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const accept = async (part: string) => {
  if (sha256(await readFile(part)) !== sha256(file)) throw new Error('another file');
  return 'accepted';
};
const options = { accept, maxBytes: file.length, pauseMs: 1, stallMs: 300 };

let folder: string;
let target: string;
let server: FlakyServer | undefined;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'download-'));
  target = path.join(folder, 'deep', 'file.gz');
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  await rm(folder, { recursive: true });
});

const get = (from: FlakyServer) => download(`${from.address}file.gz`, target, options);
const content = () => readdir(path.join(folder, 'deep'));

it('writes the file and reports the bytes', async () => {
  server = await serve((request, response) => sendRange(file, request, response));
  const seen: [number, number][] = [];
  const onBytes = (received: number, total: number) => void seen.push([received, total]);
  expect(await download(`${server.address}file.gz`, target, { ...options, onBytes })).toBe('accepted');
  expect(sha256(await readFile(target))).toBe(sha256(file));
  expect(await content()).toEqual(['file.gz']);
  expect(seen.at(-1)).toEqual([file.length, file.length]);
});

it('goes on where the connection broke off, as often as it takes', async () => {
  // Nine breaks are more than the attempts without progress that are allowed.
  server = await serve((request, response, count) =>
    sendRange(file, request, response, count < 9 ? 20_000 : undefined),
  );
  expect(await get(server)).toBe('accepted');
  // A connection may break before its bytes have arrived: the next one then asks for the same again.
  const starts = server.requests.map(({ range }) => Number(range?.match(/^bytes=(\d+)-$/)?.[1] ?? 0));
  expect(starts).toHaveLength(10);
  expect(starts).toEqual(starts.toSorted((a, b) => a - b));
  expect(new Set(starts).size).toBeGreaterThanOrEqual(8);
});

it('goes on where an earlier run ended', async () => {
  server = await serve((request, response) => sendRange(file, request, response));
  await get(server);
  await rm(target);
  await writeFile(`${target}.part`, file.subarray(0, 150_000));
  expect(await get(server)).toBe('accepted');
  expect(server.requests.at(-1)?.range).toBe('bytes=150000-');
});

it('takes a part that is already whole', async () => {
  server = await serve((_, response) => response.writeHead(416, { 'content-range': `bytes */${file.length}` }).end());
  await expect(get(server)).rejects.toThrow();
  await writeFile(`${target}.part`, file);
  expect(await get(server)).toBe('accepted');
});

it('begins anew where the server knows no ranges', async () => {
  server = await serve((request, response, count) => {
    delete request.headers.range;
    sendRange(file, request, response, count === 0 ? 50_000 : undefined);
  });
  expect(await get(server)).toBe('accepted');
});

it('begins anew where the part is of another file', async () => {
  server = await serve((request, response) => sendRange(file, request, response));
  await expect(download(`${server.address}x`, target, { ...options, maxBytes: 10 })).rejects.toThrow(/more than 10/);
  await writeFile(`${target}.part`, randomBytes(1000));
  expect(await get(server)).toBe('accepted');
  expect(server.requests.map(({ range }) => range).slice(1)).toEqual(['bytes=1000-', undefined]);
});

it('tries again after 503 and after silence', async () => {
  server = await serve((request, response, count) => {
    if (count === 0) response.writeHead(503).end();
    else if (count === 1) response.writeHead(200, { 'content-length': file.length }).write(file.subarray(0, 10));
    else sendRange(file, request, response);
  });
  expect(await get(server)).toBe('accepted');
  expect(server.requests).toHaveLength(3);
});

it('refuses wrong bytes at once and leaves nothing behind', async () => {
  const wrong = file.map((byte, at) => (at === 77 ? byte ^ 1 : byte));
  server = await serve((request, response) => sendRange(wrong, request, response));
  await expect(get(server)).rejects.toThrow('another file');
  expect(server.requests).toHaveLength(1);
  expect(await content()).toEqual([]);
});

it('refuses a file that does not end', async () => {
  server = await serve((_, response) => {
    response.writeHead(200);
    const more = () => response.destroyed || response.write(file, more);
    more();
  });
  await expect(get(server)).rejects.toThrow(/more than 200000 bytes/);
});

it('gives up after five attempts that bring nothing, and at once on 404', async () => {
  server = await serve((request, response) => response.writeHead(request.url === '/file.gz' ? 500 : 404).end());
  await expect(get(server)).rejects.toThrow(/answered 500/);
  expect(server.requests).toHaveLength(5);
  await expect(download(`${server.address}missing`, target, options)).rejects.toThrow(/answered 404/);
  expect(server.requests).toHaveLength(6);
});

it('says that nobody answers', async () => {
  server = await serve(() => {});
  const { address } = server;
  await server.close();
  await expect(download(`${address}file.gz`, target, options)).rejects.toThrow(/fetch failed: .*ECONNREFUSED/);
});
