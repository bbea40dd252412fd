import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import {
  type Label,
  labelsSchema,
  MANIFEST_FORMAT,
  MAX_SHARD_BYTES,
  type Manifest,
  type ModelFile,
  manifestSchema,
  taskFault,
} from '../../functions/catalogue/manifest.ts';
import { taxonomyOf } from '../../functions/catalogue/taxonomy.ts';
import { knownTaxonomy } from '../data/taxonomies.ts';
import { type CardFacts, modelCard } from '../report/card.ts';
import { cascadesOf } from './cascades-of.ts';
import { type FileContent, recoverFolder, replaceFolder } from './replace-folder.ts';

export interface ModelDraft extends Omit<CardFacts, 'classes' | 'task'> {
  /** Image classification where it is left out. */
  readonly task?: Manifest['task'];
  /** One a class, in the order of the output. */
  readonly labels: readonly Label[];
  /** `taxonomy.json`, parsed; where it is left out, that of ImageNet's or Fashion-MNIST's classes. */
  readonly taxonomy?: unknown;
  /** All weights in one piece; cut into shards here. */
  readonly weights: Uint8Array;
  /** `model.json` of TF.js, or `program.bin`; `content` is told the names of the shards, in order. */
  readonly network: {
    readonly path: string;
    readonly role: 'topology' | 'program';
    content(shards: readonly string[]): Uint8Array;
  };
}

export interface Content extends FileContent {
  readonly role: ModelFile['role'];
}

/**
 * Writes a model folder all or nothing: a temporary folder beside `dir`, renamed when it is whole. The revision
 * goes up by one when the version changes.
 * @throws Error where the manifest would not load, or `dir` holds something else than a model; nothing is changed then.
 */
export async function publishModel(dir: string, draft: ModelDraft): Promise<Manifest> {
  const { labels, weights, network, taxonomy = await knownTaxonomy(labels), ...given } = draft;
  const facts: CardFacts = { task: 'image-classification', ...given, classes: labels.length };
  const shards = cutIntoShards(weights);
  const contents: Content[] = [
    { path: network.path, role: network.role, bytes: network.content(shards.map((shard) => shard.path)) },
    ...shards,
    { path: 'labels.json', role: 'labels', bytes: text(`${JSON.stringify(labelsSchema.parse(labels), null, 1)}\n`) },
    ...(taxonomy === undefined ? [] : [taxonomyFile(taxonomy, labels.length)]),
    { path: 'card.md', role: 'card', bytes: text(modelCard(facts, await cascadesOf(dir, facts.id))) },
  ];
  const files = contents.map(({ path, role, bytes }) => ({ path, role, bytes: bytes.length, sha256: sha256(bytes) }));
  const version = versionOf(files, facts.output);
  await recoverFolder(dir);
  const previous = await previousManifest(dir);
  const revision = previous ? previous.revision + (previous.version === version ? 0 : 1) : 1;
  const manifest = manifestSchema.parse({ format: MANIFEST_FORMAT, version, revision, ...facts, files });
  const fault = taskFault(manifest);
  if (fault) throw new Error(`the manifest of "${manifest.id}" ${fault}`);
  await replaceFolder(dir, [...contents, manifestFile(manifest)]);
  return manifest;
}

const TELLS: ReadonlySet<ModelFile['role']> = new Set(['card', 'taxonomy', 'prototypes']);

/**
 * sha256 over the sorted hashes of what answers, over the temperature where it is not 1, and over thresholds of classes.
 * Card, taxonomy and prototypes are left out: they tell of the network, and its scores are the same.
 */
export function versionOf(files: readonly ModelFile[], { temperature, thresholds }: Manifest['output']): string {
  const hashes = files.filter(({ role }) => !TELLS.has(role)).map((file) => file.sha256);
  const scores = [
    ...(temperature === 1 ? [] : [`temperature ${temperature}`]),
    ...(thresholds ? [`thresholds ${thresholds.join(' ')}`] : []),
  ];
  return sha256(text([...hashes.sort(), ...scores].join('\n')));
}

/** @throws Error saying what is wrong with it */
export function taxonomyFile(value: unknown, classes: number): Content {
  taxonomyOf(value, classes);
  return { path: 'taxonomy.json', role: 'taxonomy', bytes: text(`${JSON.stringify(value)}\n`) };
}

export const manifestFile = (manifest: Manifest): Content => ({
  path: 'manifest.json',
  role: 'card',
  bytes: text(`${JSON.stringify(manifest, null, 2)}\n`),
});

/** Shards of at most 8 MiB, named by content: an unchanged one keeps its name, and two equal ones are one file. */
function cutIntoShards(weights: Uint8Array): Content[] {
  const shards: Content[] = [];
  for (let at = 0; at < weights.length; at += MAX_SHARD_BYTES) {
    const bytes = weights.subarray(at, at + MAX_SHARD_BYTES);
    shards.push({ path: `weights-${sha256(bytes).slice(0, 16)}.bin`, role: 'weights', bytes });
  }
  return shards;
}

/** What publishing again needs of a manifest, whatever its format. */
const publishedSchema = z.object({ version: manifestSchema.shape.version, revision: manifestSchema.shape.revision });

async function previousManifest(dir: string): Promise<Pick<Manifest, 'version' | 'revision'> | undefined> {
  const file = path.join(dir, 'manifest.json');
  if (existsSync(file)) {
    try {
      return publishedSchema.parse(JSON.parse(await readFile(file, 'utf8')));
    } catch (error) {
      throw new Error(`${file} is damaged, so its revision is unknown: remove the folder, or restore it`, {
        cause: error,
      });
    }
  }
  if (existsSync(dir) && (await readdir(dir)).length > 0) {
    throw new Error(`${dir} exists and is no model folder (it has no manifest.json): remove it or choose another`);
  }
  return undefined;
}

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
export const text = (value: string) => new TextEncoder().encode(value);
