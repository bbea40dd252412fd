import { createReadStream, existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { AssetSource } from './catalogue/assets.ts';

/** Model folders on disk, for Node: the same files, checked in the same way, as at the edge. */
export function fileAssets(folder: string): AssetSource {
  return {
    async open(name) {
      if (name === 'index.json') return bodyOf(JSON.stringify({ models: await modelIds(folder) }));
      const file = path.join(folder, ...name.split('/'));
      if (!path.resolve(file).startsWith(path.resolve(folder) + path.sep) || !existsSync(file)) return null;
      return Readable.toWeb(createReadStream(file)) as ReadableStream<Uint8Array>;
    },
  };
}

async function modelIds(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => !entry.name.startsWith('.') && existsSync(path.join(folder, entry.name, 'manifest.json')))
    .map((entry) => entry.name)
    .sort();
}

function bodyOf(text: string): ReadableStream<Uint8Array> {
  return new Blob([text]).stream() as ReadableStream<Uint8Array>;
}
