import type { Hono } from 'hono';
import { z } from 'zod';
import { cascadeSchema } from '../catalogue/cascade.ts';
import type { Catalogue, Version } from '../catalogue/catalogue.ts';
import { labelsSchema, type Manifest, manifestSchema } from '../catalogue/manifest.ts';
import type { Group } from '../catalogue/taxonomy.ts';
import type { Upload } from '../catalogue/upload.ts';
import { LABELS } from '../catalogue/versions.ts';
import { explainMethodSchema } from '../classify/answer.ts';
import { conditional } from './conditional.ts';
import { route } from './methods.ts';

const modelSchema = manifestSchema
  .pick({
    id: true,
    title: true,
    version: true,
    revision: true,
    runtime: true,
    task: true,
    parameters: true,
    macs: true,
    classes: true,
    embedding: true,
    input: true,
    metrics: true,
    memory: true,
  })
  .extend({ explanation: explainMethodSchema })
  .meta({ id: 'Model' });
type Model = z.infer<typeof modelSchema>;

const cascadesSchema = z.record(z.string(), cascadeSchema).meta({
  description: 'Networks that answer together: POST /classify/{name}. A small one where it is sure, else a large one.',
});

export const modelListSchema = z
  .object({ models: z.array(modelSchema), cascades: cascadesSchema.optional() })
  .meta({ id: 'ModelList' });

/** One of those that a model has side by side. */
const versionSchema = manifestSchema
  .pick({ revision: true, version: true })
  .extend({
    labels: z.array(z.enum(LABELS)),
    percent: z
      .number()
      .meta({ description: 'Of the requests that name no version, how many of a hundred it answers.' }),
  })
  .meta({ id: 'Version' });

const groupSchema = z.object({
  label: z.string(),
  synset: z.string().optional(),
  classes: z.array(z.int()),
  within: z.array(z.string()),
});

export const adviceSchema = z
  .object({
    longest_edge: z.int().positive().nullable().meta({
      description:
        'Pixels to which a photo may be shrunk; null where no size that was tried was good enough: send it as it is.',
    }),
    quality: z.number().meta({ description: 'Of the encoder, as canvas.toBlob takes it.' }),
    formats: z.array(z.string()),
    typical_bytes: z.int().positive(),
    max_bytes: z.int().positive().meta({ description: 'The largest file that came of it.' }),
    agreement: z.number().meta({ description: 'Share of the pictures whose first class was that of full size.' }),
    goal: z.number(),
    images: z.int().positive(),
  })
  .meta({ id: 'UploadAdvice', description: 'How to make a photo small before it is sent, measured.' });
export type Advice = z.infer<typeof adviceSchema>;

export const modelDetailSchema = modelSchema
  .extend({
    ...manifestSchema.pick({ output: true, certainty: true, provenance: true }).shape,
    upload: adviceSchema.nullable().meta({ description: 'Null where it was not measured.' }),
    groups: z.array(groupSchema).optional().meta({ description: 'Classes that belong together: rollup, within.' }),
    labels: labelsSchema,
    versions: z.array(versionSchema).meta({ description: 'Highest revision first.' }),
  })
  .meta({ id: 'ModelDetail' });

/**
 * `GET /models`, `GET /models/{id}`: what this deployment can classify with, and how good it is. Of several versions the
 * stable one is told of, or that which the address names: `GET /models/{id}@{version}`.
 */
export function modelRoutes(app: Hono, catalogue: Catalogue): void {
  route(app, '/models', {
    GET: async (c) => {
      const cascades = await catalogue.cascades();
      const some = Object.keys(cascades).length > 0;
      return conditional(c, { models: await listed(catalogue), ...(some && { cascades }) });
    },
  });
  route(app, '/models/:id', {
    GET: async (c) => {
      const { manifest, labels, taxonomy } = await catalogue.get(c.req.param('id') ?? '');
      const { output, certainty, provenance, upload } = manifest;
      const detail: z.infer<typeof modelDetailSchema> = {
        ...summary(manifest),
        output,
        ...(certainty && { certainty }),
        provenance,
        upload: upload ? adviceOf(upload) : null,
        ...(taxonomy && { groups: taxonomy.map(groupFacts) }),
        labels: [...labels],
        versions: (await catalogue.versions(manifest.id)).map(facts),
      };
      return conditional(c, detail);
    },
  });
}

/** All that can be read, and that the caller may use. */
export async function listed(catalogue: Catalogue): Promise<Model[]> {
  return (await catalogue.list()).map(summary);
}

const facts = ({ manifest: { revision, version }, labels, percent }: Version) => ({
  revision,
  version,
  labels: [...labels],
  percent,
});

const adviceOf = ({
  longestEdge,
  quality,
  formats,
  typicalBytes,
  maxBytes,
  agreement,
  goal,
  images,
}: Upload): Advice => ({
  longest_edge: longestEdge,
  quality,
  formats: [...formats],
  typical_bytes: typicalBytes,
  max_bytes: maxBytes,
  agreement,
  goal,
  images,
});

const groupFacts = ({ label, synset, classes, within }: Group) => ({
  label,
  ...(synset !== undefined && { synset }),
  classes: [...classes],
  within: [...within],
});

function summary(manifest: Manifest): Model {
  const { id, title, version, revision, runtime, task, parameters, macs, classes, input, metrics, memory } = manifest;
  const { explanation = 'occlusion', embedding } = manifest;
  const facts = { id, title, version, revision, runtime, task, parameters, macs, classes, input, metrics, memory };
  return { ...facts, ...(embedding && { embedding }), explanation };
}
