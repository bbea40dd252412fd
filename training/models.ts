/**
 * npm run models -- add ID --calibrate DIR [--from FILE] [the options of compile]
 * npm run models -- list
 * npm run models -- remove ID|ID@REVISION
 *
 * What `npm start` serves and `npm run deploy` carries: the folders under models/. Without --from, the official
 * weights of a published network are downloaded (weights/official.ts); `list` says which there are.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type Manifest, manifestSchema, modelIdSchema } from '../functions/catalogue/manifest.ts';
import { NETWORKS } from './architectures/table.ts';
import { COMPILE_FLAGS, type CompileFlags, optionsOf, withNegatives } from './compile/options.ts';
import { type Compiled, compileModel } from './compile.ts';
import { DataError } from './data/errors.ts';
import { imagenetLabelsFile } from './data/labels.ts';
import { type Graph, GraphError } from './graph/graph.ts';
import { runCommand } from './terminal/command.ts';
import { table } from './terminal/table.ts';
import { fetchWeights, hashOf, isOfficial, WEIGHTS_CACHE } from './weights/fetch.ts';
import { type Feeding, OFFICIAL, type OfficialWeights } from './weights/official.ts';
import { networkWithWeights } from './weights/parameters.ts';
import { readWeightsFile } from './weights/weights-file.ts';

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
        'Say what to do: models add ID --calibrate DIR [--from FILE], models list, or models remove ID.',
      );
  }
}

async function add([id, ...args]: string[]): Promise<void> {
  if (!id || !modelIdSchema.safeParse(id).success) {
    throw new DataError(`A model needs an id of a-z, 0-9, "-" and ".": "${id ?? ''}" is none.`);
  }
  const { manifest, report, reportPage } = await addModel(id, args);
  const agreement = `${(100 * report.heldOut.top1).toFixed(1)} % of ${report.heldOut.images} held-out images as float`;
  console.log(`added ${id}: ${agreement}, ${manifest.memory.total} bytes while loaded; report in ${reportPage}`);
}

/** Where the official weights come from, and where they are kept. */
export interface Supply {
  readonly official: ReadonlyMap<string, OfficialWeights>;
  readonly cache: string;
  readonly say: (text: string) => void;
}

const SUPPLY: Supply = { official: OFFICIAL, cache: WEIGHTS_CACHE, say: (text) => console.error(text) };

/**
 * Downloads what is to be downloaded, compiles and publishes. Everything that can be wrong with the command is found
 * before the download.
 * @param args the options of `compile`; those that are not given are the table's, where the table knows the file
 * @throws DataError, GraphError
 */
export async function addModel(id: string, args: readonly string[], supply: Supply = SUPPLY): Promise<Compiled> {
  const given: CompileFlags = parseArgs({ args: withNegatives(args), options: COMPILE_FLAGS }).values;
  const official = supply.official.get(id);
  await mustBeFolder(given.calibrate, id);
  if (given.from !== undefined) return addFile(id, { ...given, from: given.from }, official, supply);
  if (!official) {
    throw new DataError(
      `No official weights of "${id}" are known: give a network by --from FILE, or add one of ${[...supply.official.keys()].join(', ')}.`,
    );
  }
  if (official.unreadable) {
    throw new DataError(
      `${official.title} is published as ${official.file} (${official.addresses[0]}): ${official.unreadable}.`,
    );
  }
  const from = path.join(supply.cache, official.file);
  const flags = { ...defaults(official, given, true), ...given, id, from };
  optionsOf(flags);
  await fetchWeights(official, supply.cache, supply.say);
  const [algorithm, value] = [
    official.hash?.algorithm ?? 'sha256',
    official.hash?.value ?? (await hashOf(from, 'sha256')),
  ];
  const source = given.source ?? `${official.addresses[0]}, ${algorithm} ${value}`;
  return compileModel(optionsOf({ ...flags, source }), await weightsAlone(from, official));
}

/** A file that the user has. It is fed as the official one unless the command line or its kind says otherwise. */
async function addFile(
  id: string,
  given: CompileFlags & { readonly from: string },
  official: OfficialWeights | undefined,
  { say }: Supply,
): Promise<Compiled> {
  if (!official) return compileModel(optionsOf({ ...given, id }));
  const same = existsSync(given.from) && (await isOfficial(given.from, official));
  const alike = same || official.unreadable !== null || path.extname(given.from) === path.extname(official.file);
  const known: CompileFlags = alike ? defaults(official, given, same) : { title: official.title };
  if (alike && !same && given.preset === undefined && given.channels === undefined) {
    say(
      `${given.from} is not known to be the official ${official.file}; it is fed as that: ${shown(official.feeding)}.`,
    );
  }
  return compileModel(optionsOf({ ...known, ...given, id }), await weightsAlone(given.from, official));
}

/** The licence is that of the official file, and of no other. */
function defaults(official: OfficialWeights, given: CompileFlags, same: boolean): CompileFlags {
  const fed = given.preset !== undefined || given.channels !== undefined;
  return {
    title: official.title,
    labels: imagenetLabelsFile,
    ...(same && { licence: official.licence }),
    ...(!fed && official.feeding),
  };
}

/** The graph of a file that holds weights and no architecture. */
async function weightsAlone(file: string, { network }: OfficialWeights): Promise<Graph | undefined> {
  const architecture = NETWORKS.get(network ?? '');
  const weights = architecture && existsSync(file) ? await readWeightsFile(file) : null;
  return architecture && weights ? networkWithWeights(architecture, weights) : undefined;
}

/** Found out before half a gigabyte is downloaded. */
async function mustBeFolder(dir: string | undefined, id: string): Promise<void> {
  if (dir !== undefined && (await stat(dir).catch(() => null))?.isDirectory()) return;
  throw new DataError(
    `${dir ? `${dir} is no folder` : '--calibrate DIR is missing'}: give a folder of about 100 pictures (JPEG or PNG) like ` +
      `those that ${id} is going to see. From them the ranges of the integers are found; labels are not needed.`,
  );
}

const shown = (feeding: Feeding): string =>
  Object.entries(feeding)
    .map(([name, value]) => `--${name} ${value}`)
    .join(' ');

async function list(): Promise<void> {
  const manifests = await installed();
  const rows = manifests.map(({ folder, manifest: { runtime, revision, parameters, memory, metrics, title } }) => [
    folder,
    String(revision),
    runtime,
    (parameters / 1e6).toFixed(2),
    (memory.total / 1e6).toFixed(1),
    metrics ? `${(100 * metrics.top1).toFixed(2)} %` : '',
    title,
  ]);
  console.log(table(['id', 'revision', 'runtime', 'M parameters', 'MB', 'top-1', 'title'], rows));
  console.log('\nOfficial weights: npm run models -- add ID --calibrate DIR');
  const ids = new Set(manifests.map(({ folder }) => folder));
  const official = [...OFFICIAL].map(([id, { title, bytes, hash, unreadable, licence }]) => [
    id,
    title,
    bytes === null ? '' : (bytes / 1e6).toFixed(1),
    hash ? `${hash.algorithm}${hash.verified ? '' : ', unverified'}` : 'none stated',
    ids.has(id) ? 'installed' : unreadable ? 'convert first, then --from FILE' : '',
    licence,
  ]);
  console.log(table(['id', 'title', 'MB to download', 'hash', '', 'licence'], official));
}

/** By folder: `<id>`, or `<id>@<revision>` for an older version that is kept. */
async function installed(): Promise<{ folder: string; manifest: Manifest }[]> {
  const names = (await readdir(FOLDER).catch(() => [])).filter((name) => existsSync(manifestOf(name))).sort();
  const all: { folder: string; manifest: Manifest }[] = [];
  for (const folder of names) {
    const manifest = manifestSchema.safeParse(JSON.parse(await readFile(manifestOf(folder), 'utf8')));
    if (manifest.success) all.push({ folder, manifest: manifest.data });
    else console.error(`${manifestOf(folder)} is no manifest that this version reads: add the model again`);
  }
  return all;
}

async function remove([folder]: string[]): Promise<void> {
  const [id, revision = '1', ...more] = (folder ?? '').split('@');
  const isName = modelIdSchema.safeParse(id).success && /^\d+$/.test(revision) && more.length === 0;
  if (folder === undefined || !isName || !existsSync(manifestOf(folder))) {
    const all = (await installed()).map((model) => model.folder);
    throw new DataError(`There is no model "${folder ?? ''}" under ${FOLDER}/; there are ${all.join(', ') || 'none'}.`);
  }
  await rm(path.join(FOLDER, folder), { recursive: true });
  console.log(`removed ${folder}`);
}

const manifestOf = (folder: string): string => path.join(FOLDER, folder, 'manifest.json');

if (process.argv[1] === import.meta.filename) await runCommand(main, [DataError, GraphError]);
