import { createReadStream, existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { z } from 'zod';
import type { AssetSource } from './catalogue/assets.ts';
import { checkedCascades } from './catalogue/cascade.ts';
import { type ModelFolder, type ModelIndex, modelIndex } from './catalogue/versions.ts';

/** Which version of a model speaks: `catalogue/versions.ts` has its form. */
const TRAFFIC = 'traffic.json';
/** Networks that answer together: `catalogue/cascade.ts` has its form. */
const CASCADES = 'cascades.json';

/** Model folders on disk, for Node: the same files, checked in the same way, as at the edge. */
export function fileAssets(folder: string): AssetSource {
  return {
    async open(name) {
      if (name === 'index.json') return bodyOf(JSON.stringify(await indexOfFolder(folder)));
      const file = path.join(folder, ...name.split('/'));
      if (!path.resolve(file).startsWith(path.resolve(folder) + path.sep) || !existsSync(file)) return null;
      return Readable.toWeb(createReadStream(file)) as ReadableStream<Uint8Array>;
    },
  };
}

/** The models, versions and cascades under a folder. @throws Error naming the folder or the line at fault */
export async function indexOfFolder(folder: string): Promise<ModelIndex> {
  const entries = await readdir(folder, { withFileTypes: true });
  const folders = entries
    // What an interrupted publication left beside them begins with a dot.
    .filter((entry) => !entry.name.startsWith('.') && existsSync(path.join(folder, entry.name, 'manifest.json')))
    .map(({ name }) => name);
  const known = await Promise.all(folders.map((name) => modelFolder(folder, name)));
  const index = modelIndex(known, await contentOf(path.join(folder, TRAFFIC)));
  const cascades = await contentOf(path.join(folder, CASCADES));
  return cascades === undefined ? index : { ...index, cascades: checkedCascades(cascades, index.models) };
}

const contentOf = async (file: string): Promise<unknown> =>
  existsSync(file) ? parsed(await readFile(file, 'utf8'), file) : undefined;

const namedSchema = z.object({ id: z.string(), revision: z.int() });

async function modelFolder(folder: string, name: string): Promise<ModelFolder> {
  const file = path.join(folder, name, 'manifest.json');
  try {
    return { name, manifest: namedSchema.parse(JSON.parse(await readFile(file, 'utf8'))) };
  } catch {
    return { name, manifest: null };
  }
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is no JSON: ${error instanceof Error ? error.message : error}`);
  }
}

function bodyOf(text: string): ReadableStream<Uint8Array> {
  return new Blob([text]).stream() as ReadableStream<Uint8Array>;
}
