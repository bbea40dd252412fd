import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { labelsSchema, type Manifest, type ModelFile, manifestSchema } from '../../functions/catalogue/manifest.ts';
import { knownTaxonomy } from '../data/taxonomies.ts';
import { modelCard } from '../report/card.ts';
import { cascadesOf } from './cascades-of.ts';
import { type Content, manifestFile, sha256, taxonomyFile, text, versionOf } from './model-folder.ts';
import { replaceFolder } from './replace-folder.ts';

/** What is found out about a model after it was published. */
export interface Findings {
  readonly metrics?: Manifest['metrics'];
  /** Of its scores: another one gives other scores, and so another version and the next revision. */
  readonly temperature?: number;
  readonly embedding?: Manifest['embedding'];
  readonly upload?: Manifest['upload'];
  /** Parts that are left out stay as they are. */
  readonly certainty?: NonNullable<Manifest['certainty']>;
  /** Mean embeddings of the classes, int8 `[classes, dims]`, where `certainty.unknown` goes by them. */
  readonly prototypes?: Int8Array | undefined;
}

/**
 * Puts findings into the manifest and the card of a published model, all or nothing. A taxonomy that its labels are known
 * for comes along where there is none.
 */
export async function recordFindings(dir: string, findings: Findings): Promise<Manifest> {
  const bytesOf = (name: string) => readFile(path.join(dir, name));
  const before = manifestSchema.parse(JSON.parse((await bytesOf('manifest.json')).toString()));
  const { temperature = before.output.temperature, prototypes, ...figures } = findings;
  const certainty = { ...before.certainty, ...figures.certainty };
  const changed = {
    ...before,
    ...figures,
    ...(Object.keys(certainty).length > 0 && { certainty }),
    output: { ...before.output, temperature },
  };
  const { format, version: old, revision: last, files, ...facts } = changed;
  const isOld = ({ role }: Content | ModelFile) =>
    role === 'card' || (role === 'prototypes' && figures.certainty?.unknown);
  const kept = files.filter((file) => !isOld(file));
  const contents: Content[] = await Promise.all(
    kept.map(async ({ path: name, role }) => ({ path: name, role, bytes: await bytesOf(name) })),
  );
  if (prototypes) contents.push({ path: 'prototypes.bin', role: 'prototypes', bytes: new Uint8Array(prototypes) });
  if (!kept.some(({ role }) => role === 'taxonomy')) contents.push(...(await missingTaxonomy(contents)));
  contents.push({ path: 'card.md', role: 'card', bytes: text(modelCard(facts, await cascadesOf(dir, facts.id))) });
  const listed = contents.map(({ path: name, role, bytes }) => ({
    ...{ path: name, role },
    ...{ bytes: bytes.length, sha256: sha256(bytes) },
  }));
  const version = temperature === before.output.temperature ? old : versionOf(listed, facts.output);
  const revision = version === old ? last : last + 1;
  const manifest = manifestSchema.parse({ format, version, revision, ...facts, files: listed });
  await replaceFolder(dir, [...contents, manifestFile(manifest)]);
  return manifest;
}

async function missingTaxonomy(contents: readonly Content[]): Promise<Content[]> {
  const labels = contents.find(({ role }) => role === 'labels');
  const known = labels && labelsSchema.parse(JSON.parse(new TextDecoder().decode(labels.bytes)));
  const taxonomy = known && (await knownTaxonomy(known));
  return taxonomy === undefined ? [] : [taxonomyFile(taxonomy, known?.length ?? 0)];
}
