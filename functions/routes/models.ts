import type { Hono } from 'hono';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Manifest } from '../catalogue/manifest.ts';
import { route } from './methods.ts';

/** `GET /models`, `GET /models/{id}`: what this deployment can classify with, and how good it is. */
export function modelRoutes(app: Hono, catalogue: Catalogue): void {
  route(app, '/models', { GET: async (c) => c.json({ models: (await catalogue.list()).map(summary) }) });
  route(app, '/models/:id', {
    GET: async (c) => {
      const { manifest, labels } = await catalogue.get(c.req.param('id') ?? '');
      const { output, provenance } = manifest;
      return c.json({ ...summary(manifest), output, provenance, labels });
    },
  });
}

function summary(manifest: Manifest) {
  const { id, title, version, revision, runtime, task, parameters, macs, classes, input, metrics, memory } = manifest;
  const { explanation = 'occlusion' } = manifest;
  const facts = { id, title, version, revision, runtime, task, parameters, macs, classes, input, metrics, memory };
  return { ...facts, explanation };
}
