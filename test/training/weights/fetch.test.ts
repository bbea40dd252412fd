import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fetchWeights } from '../../../training/weights/fetch.ts';
import type { OfficialHash, OfficialWeights } from '../../../training/weights/official.ts';
import { type FlakyServer, sendRange, serve } from '../data/flaky-server.ts';

const disk = vi.hoisted(() => ({ bytesLeft: Number.POSITIVE_INFINITY, free: Number.POSITIVE_INFINITY }));
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  /** A disk on which no more than `bytesLeft` can be written. */
  const open: typeof real.open = async (...args) => {
    const file = await real.open(...args);
    const write = file.write.bind(file) as (bytes: Uint8Array) => Promise<{ bytesWritten: number; buffer: Uint8Array }>;
    const limited = async (bytes: Uint8Array) => {
      disk.bytesLeft -= bytes.length;
      if (disk.bytesLeft >= 0) return write(bytes);
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
    };
    return Object.assign(file, { write: limited });
  };
  const statfs = async (where: string) => ({
    ...(await real.statfs(where)),
    ...(Number.isFinite(disk.free) && { bavail: disk.free, bsize: 1 }),
  });
  return { ...real, open, statfs };
});

const bytes = randomBytes(300_000);
const digest = (algorithm: string, of: Uint8Array) => createHash(algorithm).update(of).digest('hex');
const md5: OfficialHash = { algorithm: 'md5', value: digest('md5', bytes), statedBy: 'its authors', verified: false };

let folder: string;
let server: FlakyServer | undefined;
let said: string[];
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'weights-'));
  said = [];
});
afterEach(async () => {
  Object.assign(disk, { bytesLeft: Number.POSITIVE_INFINITY, free: Number.POSITIVE_INFINITY });
  await server?.close();
  server = undefined;
  await rm(folder, { recursive: true });
});

const official = (hash: OfficialHash | null, addresses: readonly string[]): OfficialWeights => ({
  title: 'A network',
  licence: 'MIT',
  file: 'net.onnx',
  addresses,
  bytes: bytes.length,
  hash,
  feeding: { preset: 'raw-rgb' },
  network: null,
  unreadable: null,
});
const get = (hash: OfficialHash | null, ...paths: string[]) =>
  fetchWeights(
    official(
      hash,
      paths.map((name) => `${server?.address}${name}`),
    ),
    folder,
    (text) => said.push(text),
  );
const kept = async () => digest('md5', await readFile(path.join(folder, 'net.onnx')));
const serveFile = async (file: Uint8Array = bytes) => {
  server = await serve((request, response) => sendRange(file, request, response));
  return server;
};

it('downloads once, and says what it saw and that nobody verified it here', async () => {
  const { requests } = await serveFile();
  expect(await get(md5, 'net.onnx')).toBe(path.join(folder, 'net.onnx'));
  expect(await get(md5, 'net.onnx')).toBe(path.join(folder, 'net.onnx'));
  expect(requests).toHaveLength(1);
  expect(await kept()).toBe(md5.value);
  expect(said).toEqual([expect.stringMatching(`300000 bytes, md5 ${md5.value}.*its authors states.*unverified`)]);
});

it('says the sha256 of a file whose hash nobody states', async () => {
  await serveFile();
  await get(null, 'net.onnx');
  expect(said).toEqual([expect.stringMatching(`300000 bytes, sha256 ${digest('sha256', bytes)}; unverified`)]);
});

it('goes on where the connection broke off, and in a later run where an earlier one was ended', async () => {
  server = await serve((request, response, count) =>
    sendRange(bytes, request, response, count === 0 ? 100_000 : undefined),
  );
  await writeFile(path.join(folder, 'net.onnx.part'), bytes.subarray(0, 50_000));
  await get(md5, 'net.onnx');
  expect(server.requests.map(({ range }) => range)).toEqual(['bytes=50000-', 'bytes=150000-']);
  expect(await kept()).toBe(md5.value);
});

it('names both hashes of another file, and leaves nothing', async () => {
  const wrong = bytes.map((byte, at) => (at === 1234 ? byte ^ 1 : byte));
  await serveFile(wrong);
  const answer = get(md5, 'net.onnx');
  await expect(answer).rejects.toThrow(
    new RegExp(`md5 is ${digest('md5', wrong)}.*its authors states.*is ${md5.value}`, 's'),
  );
  await expect(answer).rejects.toThrow(/Nothing was installed.*--from FILE/s);
  expect(await readdir(folder)).toEqual([]);
});

it('refuses a file that was cut short before it was published', async () => {
  await serveFile(bytes.subarray(0, 200_000));
  await expect(get(md5, 'net.onnx')).rejects.toThrow(/md5 is [0-9a-f]{32}, and/);
});

it('tries the next address', async () => {
  server = await serve((request, response) =>
    request.url === '/b/net.onnx' ? sendRange(bytes, request, response) : response.writeHead(404).end(),
  );
  await get(md5, 'a/net.onnx', 'b/net.onnx');
  expect(await kept()).toBe(md5.value);
});

it('downloads again what is another file on the disk, and keeps that one', async () => {
  await serveFile();
  await writeFile(path.join(folder, 'net.onnx'), bytes.subarray(1));
  await get(md5, 'net.onnx');
  expect(await kept()).toBe(md5.value);
  expect(said[0]).toMatch(/is not the official file/);
  expect((await readdir(folder)).sort()).toEqual(['net.onnx', 'net.onnx.rejected']);
});

describe('a full disk', () => {
  it('is seen before the first byte where the size is known', async () => {
    await serveFile();
    disk.free = 299_999;
    await expect(get(md5, 'net.onnx', 'mirror')).rejects.toThrow(/not enough space .*0\.3 MB are to come/);
    expect(server?.requests).toHaveLength(1);
    disk.free = 300_000;
    await get(md5, 'net.onnx');
  });

  it('while writing: says so, keeps what came, and goes on when there is space', async () => {
    await serveFile();
    disk.bytesLeft = 150_000;
    await expect(get(md5, 'net.onnx', 'mirror')).rejects.toThrow(/not enough space .*ENOSPC.*goes on where it ended/);
    expect(await readdir(folder)).toEqual(['net.onnx.part']);
    disk.bytesLeft = Number.POSITIVE_INFINITY;
    await get(md5, 'net.onnx');
    expect(server?.requests.map(({ url, range }) => [url, range !== undefined])).toEqual([
      ['/net.onnx', false],
      ['/net.onnx', true],
    ]);
    expect(await kept()).toBe(md5.value);
  });
});
