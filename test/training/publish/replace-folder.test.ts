import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { fileAssets } from '../../../functions/file-assets.ts';
import { recoverFolder, replaceFolder } from '../../../training/publish/replace-folder.ts';

/** A disk on which so many files more can be written, and which refuses one move (0: the next). */
const disk = vi.hoisted(() => ({ files: Number.POSITIVE_INFINITY, refusedMove: -1 }));
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const refused = (code: string) => Object.assign(new Error(`${code}: as the test wants`), { code, syscall: 'test' });
  const writeFile: typeof real.writeFile = async (...args) => {
    if (disk.files-- <= 0) throw refused('ENOSPC');
    await real.writeFile(...args);
  };
  const rename: typeof real.rename = async (...args) => {
    if (disk.refusedMove-- === 0) throw refused('EACCES');
    await real.rename(...args);
  };
  return { ...real, writeFile, rename };
});

let root: string;
let dir: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'replace-'));
  dir = path.join(root, 'net');
});
afterEach(async () => {
  Object.assign(disk, { files: Number.POSITIVE_INFINITY, refusedMove: -1 });
  await rm(root, { recursive: true });
});

const contents = (text: string) =>
  ['manifest.json', 'a', 'b'].map((name) => ({ path: name, bytes: new TextEncoder().encode(text) }));
const held = () => readFile(path.join(dir, 'b'), 'utf8');
/** A process number that nobody has: Linux ends at 2^22, macOS at 99,999. */
const GONE = 2 ** 30;

it('puts one folder in the place of another, and leaves nothing beside it', async () => {
  await replaceFolder(dir, contents('old'));
  await replaceFolder(dir, contents('new'));
  expect(await held()).toBe('new');
  expect(await readdir(root)).toEqual(['net']);
});

it.each([0, 1, 2])(
  'changes nothing where the disk is full after %i files, and says how much it takes',
  async (files) => {
    await replaceFolder(dir, contents('old'));
    disk.files = files;
    await expect(replaceFolder(dir, contents('x'.repeat(1_000_000)))).rejects.toThrow(
      /not enough space on the disk for .*net: it takes 3\.0 MB, and [\d.]+ MB are free\. Nothing was changed/,
    );
    expect(await held()).toBe('old');
    expect(await readdir(root)).toEqual(['net']);
  },
);

it('brings the old folder back where the new one cannot be moved', async () => {
  await replaceFolder(dir, contents('old'));
  disk.refusedMove = 1;
  await expect(replaceFolder(dir, contents('new'))).rejects.toThrow('EACCES');
  expect(await held()).toBe('old');
  expect(await readdir(root)).toEqual(['net']);
});

it('killed while it writes: what there was is served on, half of it is no model, and the next time it is cleared away', async () => {
  await replaceFolder(dir, contents('old'));
  const child = spawn(process.execPath, ['--import', 'tsx', path.join(import.meta.dirname, 'stopped-writer.ts'), dir]);
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const left = `.net.new-${child.pid}`;
  expect((await readdir(root)).sort()).toEqual([left, 'net']);
  expect((await readdir(path.join(root, left))).sort()).toEqual(['a', 'manifest.json']);
  expect(await held()).toBe('old');
  const index = await new Response(await fileAssets(root).open('index.json')).json();
  expect(index).toEqual({ models: ['net'] });
  await recoverFolder(dir);
  expect(await readdir(root)).toEqual(['net']);
});

it('killed between two moves: the folder that was moved away comes back', async () => {
  await replaceFolder(path.join(root, `.net.old-${GONE}`), contents('old'));
  await mkdir(path.join(root, `.net.new-${GONE}`));
  await recoverFolder(dir);
  expect(await held()).toBe('old');
  expect(await readdir(root)).toEqual(['net']);
});

it('leaves what another process is writing, and folders of other models', async () => {
  const others = [`.net.new-${process.ppid}`, `.net2.new-${GONE}`, `.net.other-${GONE}`];
  for (const name of others) await mkdir(path.join(root, name));
  await writeFile(path.join(root, 'note'), 'x');
  await recoverFolder(dir);
  expect((await readdir(root)).sort()).toEqual([...others, 'note'].sort());
});
