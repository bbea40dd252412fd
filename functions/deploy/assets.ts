import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { folderOf, revisionsOf, versionsSchema } from '../catalogue/versions.ts';
import { indexOfFolder } from '../file-assets.ts';

/**
 * Stages every model folder for `wrangler` under `<target>/models`, kept versions too, with an index of them.
 * @returns the ids.
 * @throws Error naming the folder, or the line of `traffic.json`, that cannot be served
 */
export async function stageModels(source: string, target: string): Promise<readonly string[]> {
  const folder = path.join(target, 'models');
  const index = await indexOfFolder(source);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const versions = Object.entries(index.versions ?? {}).flatMap(([id, value]) => {
    const all = versionsSchema.parse(value);
    return revisionsOf(all).map((revision) => folderOf(id, revision, all));
  });
  for (const name of new Set([...index.models, ...versions])) {
    await cp(path.join(source, name), path.join(folder, name), { recursive: true });
  }
  await writeFile(path.join(folder, 'index.json'), JSON.stringify(index));
  return index.models;
}
