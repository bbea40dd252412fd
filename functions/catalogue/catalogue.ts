import { z } from 'zod';
import type { AssetSource } from './assets.ts';
import { brokenModel, unknownModel } from './errors.ts';
import { type Label, labelsSchema, type Manifest, manifestSchema, modelIdSchema } from './manifest.ts';
import { readFile, readVerified } from './read.ts';

/** What the deployment carries: written by the build, `models/index.json`. */
export const indexSchema = z.strictObject({ models: z.array(modelIdSchema).max(1000) });

const MAX_JSON_BYTES = 4 * 1024 * 1024;

export interface Entry {
  readonly manifest: Manifest;
  /** One a class, in the order of the output. */
  readonly labels: readonly Label[];
}

/** The models of this deployment. Each manifest is read and checked once, on first use; a broken one harms no other. */
export class Catalogue {
  readonly #assets: AssetSource;
  readonly #mayUse: (id: string) => void;
  readonly #entries = new Map<string, Promise<Entry>>();
  #ids: Promise<readonly string[]> | undefined;

  /** @param mayUse throws where whoever asks may not use this model: it is not theirs to see either */
  constructor(assets: AssetSource, mayUse: (id: string) => void = () => {}) {
    this.#assets = assets;
    this.#mayUse = mayUse;
  }

  /** @throws ServiceError `model-unknown`, or `model-broken` naming the file. */
  async get(id: string): Promise<Entry> {
    this.#mayUse(id);
    const ids = await this.ids();
    if (!ids.includes(id)) throw unknownModel(id, ids);
    return once(this.#entries, id, () => this.#read(id));
  }

  /** Every model that can be read; one with a broken manifest is left out (asking for it says what is wrong), as is one that the caller may not use. */
  async list(): Promise<readonly Manifest[]> {
    const entries = await Promise.allSettled((await this.ids()).map((id) => this.get(id)));
    return entries.flatMap((entry) => (entry.status === 'fulfilled' ? [entry.value.manifest] : []));
  }

  ids(): Promise<readonly string[]> {
    this.#ids ??= readFile(this.#assets, 'index.json', MAX_JSON_BYTES)
      .then((bytes) => indexSchema.parse(parseJson(bytes)).models)
      .catch((error: unknown) => {
        this.#ids = undefined;
        throw brokenModel('*', 'models/index.json', 'is missing or malformed', error);
      });
    return this.#ids;
  }

  async #read(id: string): Promise<Entry> {
    const manifest = await this.#manifest(id);
    const file = manifest.files.find((candidate) => candidate.role === 'labels');
    if (!file) throw brokenModel(id, 'manifest.json', 'lists no file of labels');
    const labels = labelsSchema.safeParse(parseJson(await readVerified(this.#assets, manifest, file)));
    if (!labels.success) throw brokenModel(id, file.path, z.prettifyError(labels.error));
    if (labels.data.length !== manifest.classes) {
      throw brokenModel(id, file.path, `has ${labels.data.length} labels for ${manifest.classes} classes`);
    }
    return { manifest, labels: labels.data };
  }

  async #manifest(id: string): Promise<Manifest> {
    const bytes = await readFile(this.#assets, `${id}/manifest.json`, MAX_JSON_BYTES).catch((error: unknown) => {
      throw brokenModel(id, 'manifest.json', 'is missing', error);
    });
    const manifest = manifestSchema.safeParse(parseJson(bytes));
    if (!manifest.success) throw brokenModel(id, 'manifest.json', `is malformed: ${z.prettifyError(manifest.error)}`);
    if (manifest.data.id !== id) throw brokenModel(id, 'manifest.json', `says it is "${manifest.data.id}"`);
    return manifest.data;
  }
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
