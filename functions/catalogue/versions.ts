import { z } from 'zod';
import { modelIdSchema } from './manifest.ts';

/**
 * Versions of a model side by side. `models/<id>/` is the latest, `models/<id>@<revision>/` an older one that is kept,
 * and `models/traffic.json` says which of them speaks where a request names none:
 *
 *     { "<id>": { "stable": 3, "canary": 4, "canary_percent": 10 } }
 *
 * Without a line there the latest is stable, and there is no canary.
 */

export const LABELS = ['stable', 'canary'] as const;
export type VersionLabel = (typeof LABELS)[number];

const revision = z.int().positive();
const percent = z.number().min(0, 'is not 0 to 100').max(100, 'is not 0 to 100');

const trafficSchema = z.strictObject({
  stable: revision.optional(),
  canary: revision.optional(),
  canary_percent: percent.optional(),
});

/** Of one model in `models/index.json`, where it has a line in `traffic.json` or versions that are kept. */
export const versionsSchema = z
  .strictObject({
    latest: revision,
    kept: z.array(revision),
    stable: revision,
    canary: revision.optional(),
    canary_percent: percent,
  })
  .refine(
    ({ latest, kept, stable, canary = stable }) => [stable, canary].every((n) => n === latest || kept.includes(n)),
    'a label is on a version that is not there',
  );
export type Versions = z.infer<typeof versionsSchema>;

/** What the deployment carries: written by the build, `models/index.json`. */
export const indexSchema = z.strictObject({
  models: z.array(modelIdSchema).max(1000),
  // Checked model by model: what is wrong with one harms no other.
  versions: z.record(z.string(), z.unknown()).optional(),
  cascades: z.record(z.string(), z.unknown()).optional(),
});
export type ModelIndex = z.infer<typeof indexSchema>;

/** Highest first. */
export const revisionsOf = ({ latest, kept }: Versions): number[] => [latest, ...kept].sort((a, b) => b - a);

export const folderOf = (id: string, revision: number, { latest }: Versions): string =>
  revision === latest ? id : `${id}@${revision}`;

export const labelsOf = (revision: number, { stable, canary }: Versions): VersionLabel[] =>
  LABELS.filter((label) => revision === { stable, canary }[label]);

/** Of the requests that name no version, how many of a hundred a revision answers. */
export function percentOf(revision: number, { stable, canary, canary_percent: percent }: Versions): number {
  return (revision === stable ? 100 - percent : 0) + (revision === canary ? percent : 0);
}

/**
 * The revision that answers where none is named. The same seed has the same one for as long as the shares stay; where
 * the canary's grows, those that it had it keeps.
 * @param seed a SHA-256 in hexadecimal digits
 */
export function speakingOf({ stable, canary, canary_percent: percent }: Versions, seed: string | undefined): number {
  if (canary === undefined || seed === undefined) return stable;
  return (Number.parseInt(seed.slice(0, 8), 16) / 2 ** 32) * 100 < percent ? canary : stable;
}

/** A folder under `models/`, and what of its manifest says whose it is; null where it cannot be read. */
export interface ModelFolder {
  readonly name: string;
  readonly manifest: { readonly id: string; readonly revision: number } | null;
}

/**
 * Which models and versions there are.
 * @param traffic what `models/traffic.json` says, where there is one
 * @throws Error naming the folder or the line at fault, and what to do
 */
export function modelIndex(folders: readonly ModelFolder[], traffic: unknown = {}): ModelIndex {
  const models = folders.map(({ name }) => name).filter((name) => !name.includes('@'));
  for (const id of models) modelIdSchema.parse(id);
  const lines = linesOf(traffic);
  const kept = folders.filter(({ name }) => name.includes('@')).map(keptOf);
  for (const { id, revision } of kept) {
    if (!models.includes(id))
      throw new Error(`models/${id}@${revision} is a version of models/${id}, which is not there`);
  }
  const unknown = Object.keys(lines).find((id) => !models.includes(id));
  if (unknown !== undefined) throw atFault(unknown, `there is no models/${unknown}`);
  const ids = models.filter((id) => Object.hasOwn(lines, id) || kept.some((version) => version.id === id));
  if (ids.length === 0) return { models: models.sort() };
  const versions = Object.fromEntries(
    ids.map((id) => {
      const latest = folders.find(({ name }) => name === id)?.manifest?.revision;
      if (latest === undefined) throw new Error(`models/${id}/manifest.json cannot be read: publish the model again`);
      const revisions = kept.filter((version) => version.id === id).map((version) => version.revision);
      if (revisions.includes(latest)) {
        throw new Error(`models/${id} and models/${id}@${latest} are both revision ${latest}: remove the second`);
      }
      return [id, versionsOf(id, latest, revisions, lines[id] ?? {})] as const;
    }),
  );
  return { models: models.sort(), versions };
}

function linesOf(traffic: unknown): Record<string, z.infer<typeof trafficSchema>> {
  const object = z.record(z.string(), z.unknown()).safeParse(traffic);
  if (!object.success) throw new Error('models/traffic.json is no JSON object with a line for each model');
  return Object.fromEntries(
    Object.entries(object.data).map(([id, line]) => {
      const parsed = trafficSchema.safeParse(line);
      if (!parsed.success) throw atFault(id, z.prettifyError(parsed.error));
      return [id, parsed.data];
    }),
  );
}

function keptOf({ name, manifest }: ModelFolder): { id: string; revision: number } {
  const [, id = '', digits = ''] = /^([^@]+)@([1-9]\d{0,14})$/.exec(name) ?? [];
  if (digits === '') throw new Error(`models/${name} is no <id>@<revision>: call it so, or remove it`);
  const revision = Number(digits);
  if (manifest?.id === id && manifest.revision === revision) return { id, revision };
  const says = manifest ? `is revision ${manifest.revision} of "${manifest.id}"` : 'cannot be read';
  throw new Error(`models/${name}/manifest.json ${says}: the folder has to be named after it`);
}

function versionsOf(id: string, latest: number, kept: number[], line: z.infer<typeof trafficSchema>): Versions {
  const { stable = latest, canary, canary_percent = 0 } = line;
  const revisions = [...kept, latest].sort((a, b) => a - b);
  for (const [label, revision] of [
    ['stable', stable],
    ['canary', canary ?? stable],
  ] as const) {
    if (revisions.includes(revision)) continue;
    throw atFault(id, `${label} is revision ${revision}, which is not there; there are ${revisions.join(', ')}`);
  }
  if (canary === undefined && canary_percent > 0)
    throw atFault(id, 'canary_percent is for a canary, and there is none');
  return { latest, kept, stable, ...(canary !== undefined && { canary }), canary_percent };
}

const atFault = (id: string, why: string) => new Error(`models/traffic.json, "${id}": ${why}`);
