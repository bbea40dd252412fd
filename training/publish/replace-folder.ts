import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DataError } from '../data/errors.ts';

export interface FileContent {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * Puts a folder with these files in the place of `dir`, all or nothing: they are written beside it, under a name that
 * no server reads, and renamed when all are there.
 * @throws DataError where the disk is full; `dir` is as it was then
 */
export async function replaceFolder(dir: string, contents: readonly FileContent[]): Promise<void> {
  const fresh = beside(dir, 'new');
  try {
    await mkdir(fresh, { recursive: true });
    for (const { path: name, bytes } of contents) await writeFile(path.join(fresh, name), bytes);
    await exchange(dir, fresh);
  } catch (error) {
    throw isFull(error) ? await noSpace(dir, contents, error) : error;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function exchange(dir: string, fresh: string): Promise<void> {
  if (!existsSync(dir)) return rename(fresh, dir);
  const old = beside(dir, 'old');
  await rename(dir, old);
  await rename(fresh, dir).catch(async (error: unknown) => {
    await rename(old, dir);
    throw error;
  });
  await rm(old, { recursive: true });
}

/** What a process that was killed left beside `dir` is removed; a folder that it had just moved away comes back. */
export async function recoverFolder(dir: string): Promise<void> {
  const pattern = new RegExp(`^\\.${path.basename(dir).replaceAll('.', '\\.')}\\.(new|old)-(\\d+)$`);
  for (const name of await readdir(path.dirname(dir)).catch(() => [])) {
    const [, what, pid] = pattern.exec(name) ?? [];
    if (pid === undefined || runs(Number(pid))) continue;
    const left = path.join(path.dirname(dir), name);
    if (what === 'old' && !existsSync(dir)) await rename(left, dir);
    else await rm(left, { recursive: true });
  }
}

const beside = (dir: string, what: 'new' | 'old'): string =>
  path.join(path.dirname(dir), `.${path.basename(dir)}.${what}-${process.pid}`);

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Of another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

const isFull = (error: unknown) =>
  error instanceof Error && 'code' in error && ['ENOSPC', 'EDQUOT'].includes(String(error.code));

async function noSpace(dir: string, contents: readonly FileContent[], cause: unknown): Promise<DataError> {
  const needed = contents.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const { bavail, bsize } = await statfs(path.dirname(dir));
  return new DataError(
    `There is not enough space on the disk for ${dir}: it takes ${megabytes(needed)}, and ${megabytes(bavail * bsize)} ` +
      `are free. Nothing was changed; free some and run the command again.`,
    { cause },
  );
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
