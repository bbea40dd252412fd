import { z } from 'zod';
import type { AssetSource } from './assets.ts';
import { type Cascade, cascadeSchema } from './cascade.ts';
import { brokenModel, noSingleModel, unknownModel, unknownVersion } from './errors.ts';
import { type Label, labelsSchema, type Manifest, manifestSchema, taskFault } from './manifest.ts';
import { readFile, readVerified } from './read.ts';
import { type Taxonomy, taxonomyOf } from './taxonomy.ts';
import {
  folderOf,
  indexSchema,
  LABELS,
  labelsOf,
  type ModelIndex,
  percentOf,
  revisionsOf,
  speakingOf,
  type VersionLabel,
  type Versions,
  versionsSchema,
} from './versions.ts';

const MAX_JSON_BYTES = 4 * 1024 * 1024;

export interface Entry {
  readonly manifest: Manifest;
  /** One a class, in the order of the output. */
  readonly labels: readonly Label[];
  /** Which of them belong together, where the folder says it. */
  readonly taxonomy: Taxonomy | undefined;
  /** Mean embeddings of the classes, int8 `[classes, dims]`, where they tell what is unknown. */
  readonly prototypes: Int8Array | undefined;
}

/** One of the versions that a model has side by side. */
export interface Version {
  readonly manifest: Manifest;
  readonly labels: readonly VersionLabel[];
  /** Of the requests that name no version, how many of a hundred it answers. */
  readonly percent: number;
}

/** Gives what a request that names no version is told from others by: a SHA-256 in hexadecimal digits. */
export type Seed = () => Promise<string>;

/** The models of this deployment. Each manifest is read and checked once, on first use; a broken one harms no other. */
export class Catalogue {
  readonly #assets: AssetSource;
  readonly #mayUse: (id: string) => void;
  /** By folder. */
  readonly #entries = new Map<string, Promise<Entry>>();
  #read: Promise<ModelIndex> | undefined;

  /** @param mayUse throws where whoever asks may not use this model: it is not theirs to see either */
  constructor(assets: AssetSource, mayUse: (id: string) => void = () => {}) {
    this.#assets = assets;
    this.#mayUse = mayUse;
  }

  /**
   * A model in the version that is asked for.
   * @param name its id, or `<id>@<revision>`, `<id>@stable`, `<id>@canary`
   * @param seed asked where no version is named and there is a canary; without one the stable version speaks
   * @throws ServiceError `model-unknown`, or `model-broken` naming the file.
   */
  async get(name: string, seed?: Seed): Promise<Entry> {
    const [id = '', ...rest] = name.split('@');
    const asked = rest.length > 0 ? rest.join('@') : undefined;
    const versions = await this.#versions(id);
    if (!versions) {
      const entry = await this.#entry(id);
      const { revision } = entry.manifest;
      if (asked === undefined || asked === 'stable' || digitsOf(asked) === String(revision)) return entry;
      throw unknownVersion(id, asked, [String(revision)]);
    }
    if (asked !== undefined) return this.#entry(id, revisionOf(id, asked, versions), versions);
    const split = versions.canary !== undefined && versions.canary_percent > 0;
    return this.#entry(id, speakingOf(versions, split ? await seed?.() : undefined), versions);
  }

  /** Of a model, all that can be read, highest revision first. @throws ServiceError as {@link get} where none can */
  async versions(id: string): Promise<readonly Version[]> {
    const versions = await this.#versions(id);
    if (!versions) return [{ manifest: (await this.#entry(id)).manifest, labels: ['stable'], percent: 100 }];
    const revisions = revisionsOf(versions);
    const entries = await Promise.allSettled(revisions.map((revision) => this.#entry(id, revision, versions)));
    const read = entries.flatMap((entry) => (entry.status === 'fulfilled' ? [entry.value.manifest] : []));
    if (read.length === 0) await this.#entry(id, versions.stable, versions);
    return read.map((manifest) => ({
      manifest,
      labels: labelsOf(manifest.revision, versions),
      percent: percentOf(manifest.revision, versions),
    }));
  }

  /** The stable version of every model that can be read; one with a broken manifest is left out (asking for it says what is wrong), as is one that the caller may not use. */
  async list(): Promise<readonly Manifest[]> {
    const entries = await Promise.allSettled((await this.ids()).map((id) => this.get(id)));
    return entries.flatMap((entry) => (entry.status === 'fulfilled' ? [entry.value.manifest] : []));
  }

  /** Networks that answer together under one name; undefined where that is none of them. @throws ServiceError `model-broken` */
  async cascade(id: string): Promise<Cascade | undefined> {
    const { cascades = {} } = await this.#index();
    if (!Object.hasOwn(cascades, id)) return undefined;
    const parsed = cascadeSchema.safeParse(cascades[id]);
    if (parsed.success) return parsed.data;
    throw brokenModel(id, 'models/index.json', z.prettifyError(parsed.error));
  }

  /** By their names; those that cannot be read are left out. */
  async cascades(): Promise<Readonly<Record<string, Cascade>>> {
    const entries = Object.entries((await this.#index()).cascades ?? {});
    return Object.fromEntries(
      entries.flatMap(([id, value]) => {
        const parsed = cascadeSchema.safeParse(value);
        return parsed.success ? [[id, parsed.data]] : [];
      }),
    );
  }

  async ids(): Promise<readonly string[]> {
    return (await this.#index()).models;
  }

  #index(): Promise<ModelIndex> {
    this.#read ??= readFile(this.#assets, 'index.json', MAX_JSON_BYTES)
      .then((bytes) => indexSchema.parse(parseJson(bytes)))
      .catch((error: unknown) => {
        this.#read = undefined;
        throw brokenModel('*', 'models/index.json', 'is missing or malformed', error);
      });
    return this.#read;
  }

  /** Undefined where there is only the one in the folder of its id. */
  async #versions(id: string): Promise<Versions | undefined> {
    this.#mayUse(id);
    const { models, versions = {} } = await this.#index();
    if (!models.includes(id)) {
      const cascade = await this.cascade(id);
      throw cascade ? noSingleModel(id, cascade) : unknownModel(id, models);
    }
    if (!Object.hasOwn(versions, id)) return undefined;
    const parsed = versionsSchema.safeParse(versions[id]);
    if (!parsed.success) throw brokenModel(id, 'models/index.json', z.prettifyError(parsed.error));
    return parsed.data;
  }

  #entry(id: string, revision?: number, versions?: Versions): Promise<Entry> {
    const folder = versions && revision !== undefined ? folderOf(id, revision, versions) : id;
    return once(this.#entries, folder, () => this.#readEntry(id, folder, revision));
  }

  async #readEntry(id: string, folder: string, revision: number | undefined): Promise<Entry> {
    const manifest = await this.#manifest(id, folder, revision);
    const [labels, taxonomy, prototypes] = await Promise.all([
      this.#labels(manifest),
      this.#taxonomy(manifest),
      this.#prototypes(manifest),
    ]);
    return { manifest, labels, taxonomy, prototypes };
  }

  async #labels(manifest: Manifest): Promise<readonly Label[]> {
    const { id, classes } = manifest;
    const file = manifest.files.find((candidate) => candidate.role === 'labels');
    if (!file) throw brokenModel(id, 'manifest.json', 'lists no file of labels');
    const labels = labelsSchema.safeParse(parseJson(await readVerified(this.#assets, manifest, file)));
    if (!labels.success) throw brokenModel(id, file.path, z.prettifyError(labels.error));
    if (labels.data.length === classes) return labels.data;
    throw brokenModel(id, file.path, `has ${labels.data.length} labels for ${classes} classes`);
  }

  async #taxonomy(manifest: Manifest): Promise<Taxonomy | undefined> {
    const file = manifest.files.find(({ role }) => role === 'taxonomy');
    if (!file) return undefined;
    const value = parseJson(await readVerified(this.#assets, manifest, file));
    try {
      return taxonomyOf(value, manifest.classes);
    } catch (error) {
      throw brokenModel(manifest.id, file.path, error instanceof Error ? error.message : 'is malformed', error);
    }
  }

  async #prototypes(manifest: Manifest): Promise<Int8Array | undefined> {
    if (manifest.certainty?.unknown?.method !== 'prototype') return undefined;
    const file = manifest.files.find(({ role }) => role === 'prototypes');
    const bytes = manifest.classes * (manifest.embedding?.dims ?? 0);
    if (file?.bytes === bytes) return new Int8Array((await readVerified(this.#assets, manifest, file)).buffer);
    throw brokenModel(
      manifest.id,
      'manifest.json',
      `lists no prototypes of ${bytes} bytes, by which it tells what is unknown`,
    );
  }

  async #manifest(id: string, folder: string, revision: number | undefined): Promise<Manifest> {
    const bytes = await readFile(this.#assets, `${folder}/manifest.json`, MAX_JSON_BYTES).catch((error: unknown) => {
      throw brokenModel(id, 'manifest.json', 'is missing', error);
    });
    const manifest = manifestSchema.safeParse(parseJson(bytes));
    if (!manifest.success) throw brokenModel(id, 'manifest.json', `is malformed: ${z.prettifyError(manifest.error)}`);
    const fault = taskFault(manifest.data);
    if (fault) throw brokenModel(id, 'manifest.json', fault);
    const { id: its, revision: own } = manifest.data;
    if (its !== id) throw brokenModel(id, 'manifest.json', `says it is "${its}"`);
    if (revision !== undefined && own !== revision) {
      throw brokenModel(id, `${folder}/manifest.json`, `says it is revision ${own}, not ${revision}`);
    }
    return folder === id ? manifest.data : { ...manifest.data, folder };
  }
}

/** Leading zeros are another way to write the same number (int64 in TensorFlow Serving). */
const digitsOf = (version: string): string => version.replace(/^0+(?=\d+$)/, '');

/** @throws ServiceError `model-unknown` */
function revisionOf(id: string, asked: string, versions: Versions): number {
  const label = LABELS.find((name) => name === asked);
  const known = revisionsOf(versions);
  const revision = label ? versions[label] : known.find((one) => String(one) === digitsOf(asked));
  if (revision === undefined) {
    throw unknownVersion(id, asked, [...known.map(String), ...LABELS.filter((name) => versions[name] !== undefined)]);
  }
  return revision;
}

/** The value of `key`, made once even when asked for many times at once; a failure is forgotten, so that it can be tried again. */
export function once<K, V>(values: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const known = values.get(key);
  if (known) return known;
  const value = make();
  values.set(key, value);
  value.catch(() => values.delete(key));
  return value;
}

/** @returns undefined where the bytes are no JSON: the schema then says what is missing. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch {
    return undefined;
  }
}
