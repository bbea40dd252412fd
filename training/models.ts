/**
 * npm run models -- add ID --from FILE --calibrate DIR [the options of compile]
 * npm run models -- list
 * npm run models -- remove ID
 *
 * What `npm start` serves and `npm run deploy` carries: the folders under models/.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { type Manifest, manifestSchema, modelIdSchema } from '../functions/catalogue/manifest.ts';
import { compileOptions } from './compile/options.ts';
import { compileModel } from './compile.ts';
import { DataError } from './data/errors.ts';
import { GraphError } from './graph/graph.ts';
import { runCommand } from './terminal/command.ts';
import { table } from './terminal/table.ts';

const FOLDER = 'models';

async function main(): Promise<void> {
  const [verb, ...rest] = process.argv.slice(2);
  switch (verb) {
    case 'add':
      return add(rest);
    case 'list':
      return list();
    case 'remove':
      return remove(rest);
    default:
      throw new DataError(
        'Say what to do: models add ID --from FILE --calibrate DIR, models list, or models remove ID.',
      );
  }
}

async function add([id, ...options]: string[]): Promise<void> {
  if (!id || !modelIdSchema.safeParse(id).success) {
    throw new DataError(`A model needs an id of a-z, 0-9, "-" and ".": "${id ?? ''}" is none.`);
  }
  const { manifest, report, reportPage } = await compileModel(compileOptions(['--id', id, ...options]));
  const agreement = `${(100 * report.heldOut.top1).toFixed(1)} % of ${report.heldOut.images} held-out images as float`;
  console.log(`added ${id}: ${agreement}, ${manifest.memory.total} bytes while loaded; report in ${reportPage}`);
}

async function list(): Promise<void> {
  const manifests = await installed();
  const rows = manifests.map(({ id, runtime, parameters, memory, metrics, title }) => [
    id,
    runtime,
    (parameters / 1e6).toFixed(2),
    (memory.total / 1e6).toFixed(1),
    metrics ? `${(100 * metrics.top1).toFixed(2)} %` : '',
    title,
  ]);
  console.log(table(['id', 'runtime', 'M parameters', 'MB', 'top-1', 'title'], rows));
}

async function installed(): Promise<Manifest[]> {
  const names = (await readdir(FOLDER).catch(() => [])).filter((name) => existsSync(manifestOf(name))).sort();
  const manifests: Manifest[] = [];
  for (const name of names) {
    const manifest = manifestSchema.safeParse(JSON.parse(await readFile(manifestOf(name), 'utf8')));
    if (manifest.success) manifests.push(manifest.data);
    else console.error(`${manifestOf(name)} is no manifest that this version reads: add the model again`);
  }
  return manifests;
}

async function remove([id]: string[]): Promise<void> {
  if (!id || !modelIdSchema.safeParse(id).success || !existsSync(manifestOf(id))) {
    const ids = (await installed()).map((manifest) => manifest.id);
    throw new DataError(`There is no model "${id ?? ''}" under ${FOLDER}/; there are ${ids.join(', ') || 'none'}.`);
  }
  await rm(path.join(FOLDER, id), { recursive: true });
  console.log(`removed ${id}`);
}

const manifestOf = (id: string): string => path.join(FOLDER, id, 'manifest.json');

await runCommand(main, [DataError, GraphError]);
