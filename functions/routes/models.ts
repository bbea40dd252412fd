import type { Hono } from 'hono';
import { z } from 'zod';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { labelsSchema, type Manifest, manifestSchema } from '../catalogue/manifest.ts';
import { explainMethodSchema } from '../classify/answer.ts';
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
    input: true,
    metrics: true,
    memory: true,
  })
  .extend({ explanation: explainMethodSchema })
  .meta({ id: 'Model' });
type Model = z.infer<typeof modelSchema>;

export const modelListSchema = z.object({ models: z.array(modelSchema) }).meta({ id: 'ModelList' });

export const modelDetailSchema = modelSchema
  .extend({ ...manifestSchema.pick({ output: true, provenance: true }).shape, labels: labelsSchema })
  .meta({ id: 'ModelDetail' });

/** `GET /models`, `GET /models/{id}`: what this deployment can classify with, and how good it is. */
export function modelRoutes(app: Hono, catalogue: Catalogue): void {
  route(app, '/models', { GET: async (c) => c.json({ models: await listed(catalogue) }) });
  route(app, '/models/:id', {
    GET: async (c) => {
      const { manifest, labels } = await catalogue.get(c.req.param('id') ?? '');
      const { output, provenance } = manifest;
      const detail: z.infer<typeof modelDetailSchema> = {
        ...summary(manifest),
        output,
        provenance,
        labels: [...labels],
      };
      return c.json(detail);
    },
  });
}

/** All that can be read, and that the caller may use. */
export async function listed(catalogue: Catalogue): Promise<Model[]> {
  return (await catalogue.list()).map(summary);
}

function summary(manifest: Manifest): Model {
  const { id, title, version, revision, runtime, task, parameters, macs, classes, input, metrics, memory } = manifest;
  const { explanation = 'occlusion' } = manifest;
  const facts = { id, title, version, revision, runtime, task, parameters, macs, classes, input, metrics, memory };
  return { ...facts, explanation };
}
