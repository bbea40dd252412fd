import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ModelInput } from '../../functions/catalogue/manifest.ts';
import { DataError } from './errors.ts';
import { type Prepare, prepareOrSkip, preparer, type Skipped } from './prepare.ts';

/** Pictures of a folder that could be used, as the network takes them. */
export interface PreparedFolder {
  readonly pictures: readonly Picture[];
  /** uint8 `[pictures, height, width, channels]` */
  readonly pixels: Uint8Array;
  readonly skipped: readonly Skipped[];
}

export interface Picture {
  /** Path below the folder. */
  readonly name: string;
  /** sha256 of the file. */
  readonly hash: string;
}

type Contents = Pick<PreparedFolder, 'pictures' | 'skipped'>;

/** Filled here, never emptied; not in git. */
export const FOLDER_CACHE = '.cache/image-folders';
/** All pixels lie in one array; Node reads no larger file at once. */
const MAX_BYTES = 2 ** 31 - 2 ** 20;
/** So many pictures of a cache are prepared again, to see that they still come out the same. */
const PROBES = 4;

/**
 * Prepares the named pictures, or finds them in the cache: an entry is named by the files' names, sizes and times and
 * by the preparation, and a few pictures of it are prepared again, so that other pixels are not taken for these.
 * @param names paths below `dir`
 */
export async function prepareFolder(
  dir: string,
  names: readonly string[],
  input: ModelInput,
  progress: (done: number, of: number) => void,
  cache = FOLDER_CACHE,
): Promise<PreparedFolder> {
  const size = input.width * input.height * (input.channels === 'grey' ? 1 : 3);
  if (names.length * size > MAX_BYTES) {
    const fitting = Math.floor(MAX_BYTES / size).toLocaleString('en-US');
    throw new DataError(
      `${dir} has ${names.length} pictures, and ${fitting} of ${input.width}x${input.height} fit: choose a smaller size.`,
    );
  }
  const prepare = preparer(input);
  const file = path.join(cache, `${await keyOf(dir, names, input)}.bin`);
  const cached = await read(file, size);
  if (cached && (await isStill(cached, dir, prepare))) return cached;
  const prepared = await prepareAll(dir, names, size, prepare, progress);
  await write(file, prepared);
  return prepared;
}

async function prepareAll(
  dir: string,
  names: readonly string[],
  size: number,
  prepare: Prepare,
  progress: (done: number, of: number) => void,
): Promise<PreparedFolder> {
  const pixels = new Uint8Array(names.length * size);
  const pictures: Picture[] = [];
  const skipped: Skipped[] = [];
  for (const [index, name] of names.entries()) {
    const bytes = await readFile(path.join(dir, name));
    const prepared = await prepareOrSkip(prepare, name, bytes);
    if (prepared instanceof Uint8Array) {
      pixels.set(prepared, pictures.length * size);
      pictures.push({ name, hash: createHash('sha256').update(bytes).digest('hex') });
    } else skipped.push(prepared);
    progress(index + 1, names.length);
  }
  return { pictures, pixels: pixels.subarray(0, pictures.length * size), skipped };
}

async function keyOf(dir: string, names: readonly string[], input: ModelInput): Promise<string> {
  const { width, height, channels, resize } = input;
  const hash = createHash('sha256').update(JSON.stringify([path.resolve(dir), width, height, channels, resize]));
  for (const name of names) {
    const { size, mtimeMs } = await stat(path.join(dir, name));
    hash.update(JSON.stringify([name, size, mtimeMs]));
  }
  return hash.digest('hex').slice(0, 32);
}

async function isStill({ pictures, pixels }: PreparedFolder, dir: string, prepare: Prepare): Promise<boolean> {
  const size = pixels.length / pictures.length;
  for (let at = 0; at < pictures.length; at += Math.ceil(pictures.length / PROBES)) {
    const { name = '', hash = '' } = pictures[at] ?? {};
    const bytes = await readFile(path.join(dir, name));
    if (createHash('sha256').update(bytes).digest('hex') !== hash) return false;
    const again = await prepareOrSkip(prepare, name, bytes);
    const before = pixels.subarray(at * size, (at + 1) * size);
    if (!(again instanceof Uint8Array) || Buffer.compare(again, before) !== 0) return false;
  }
  return true;
}

/** A line of JSON, then the pixels. @returns nothing where there is no whole entry */
async function read(file: string, size: number): Promise<PreparedFolder | undefined> {
  try {
    const bytes = await readFile(file);
    const end = bytes.indexOf('\n');
    const contents: Contents = JSON.parse(bytes.toString('utf8', 0, end));
    const pixels = new Uint8Array(bytes.subarray(end + 1));
    return pixels.length === contents.pictures.length * size ? { ...contents, pixels } : undefined;
  } catch {
    return undefined;
  }
}

/** A cache that cannot be written costs time later and nothing else. */
async function write(file: string, { pixels, ...contents }: PreparedFolder): Promise<void> {
  const part = `${file}.${process.pid}.part`;
  try {
    await mkdir(path.dirname(file), { recursive: true });
    const out = await open(part, 'w');
    await out.write(`${JSON.stringify(contents)}\n`);
    for (let at = 0; at < pixels.length; ) at += (await out.write(pixels, at)).bytesWritten;
    await out.close();
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    console.error(`The prepared pictures are not kept: ${error instanceof Error ? error.message : error}`);
  }
}
