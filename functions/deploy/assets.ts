import { cp, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { modelIdSchema } from '../catalogue/manifest.ts';

/**
 * Stages every model folder for `wrangler` under `<target>/models`, with an index of their ids.
 * @returns the ids.
 */
export async function stageModels(source: string, target: string): Promise<string[]> {
  const folder = path.join(target, 'models');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const ids: string[] = [];
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const manifest = path.join(source, entry.name, 'manifest.json');
    if (!entry.isDirectory() || !(await stat(manifest).catch(() => null))) continue;
    // What an interrupted publication left beside them begins with a dot.
    if (entry.name.startsWith('.')) continue;
    const id = modelIdSchema.parse(entry.name);
    await cp(path.join(source, id), path.join(folder, id), { recursive: true });
    ids.push(id);
  }
  ids.sort();
  await writeFile(path.join(folder, 'index.json'), JSON.stringify({ models: ids }));
  return ids;
}
