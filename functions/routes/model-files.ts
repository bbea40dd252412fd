import type { Hono } from 'hono';
import type { AssetSource } from '../catalogue/assets.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { brokenModel } from '../catalogue/errors.ts';
import type { Manifest, ModelFile } from '../catalogue/manifest.ts';
import { ServiceError } from '../errors.ts';
import { conditional, validated } from './conditional.ts';
import { route } from './methods.ts';

export const MANIFEST = 'manifest.json';

/**
 * `GET /models/{id}/files/{file}`: a model folder file by file, for an engine elsewhere, as the page has one: the manifest,
 * and what it lists. The `ETag` of a file is its SHA-256 in the manifest.
 */
export function modelFilesRoute(app: Hono, catalogue: Catalogue, assets: AssetSource): void {
  route(app, '/models/:id/files/:file', {
    GET: async (c) => {
      const { manifest } = await catalogue.get(c.req.param('id') ?? '');
      const name = c.req.param('file') ?? '';
      if (name === MANIFEST) return conditional(c, written(manifest));
      const file = manifest.files.find(({ path }) => path === name);
      if (!file) throw unknownFile(manifest, name);
      return validated(c, file.sha256, () => opened(assets, manifest, file), {
        'content-type': name.endsWith('.json') ? 'application/json' : 'application/octet-stream',
      });
    },
  });
}

async function opened(assets: AssetSource, manifest: Manifest, { path }: ModelFile) {
  const body = await assets.open(`${manifest.folder ?? manifest.id}/${path}`);
  if (!body) throw brokenModel(manifest.id, path, 'is missing');
  return body;
}

/** As it stands in its folder: where that is, is this host's own business. */
const written = ({ folder: _, ...manifest }: Manifest) => manifest;

function unknownFile({ id, files }: Manifest, name: string): ServiceError {
  return new ServiceError(
    'route-unknown',
    `The model "${id}" has no file "${name.slice(0, 100)}".`,
    `Ask for one of: ${[MANIFEST, ...files.map(({ path }) => path)].join(', ')}.`,
  );
}
