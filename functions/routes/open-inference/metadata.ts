import type { Catalogue } from '../../catalogue/catalogue.ts';
import type { Manifest } from '../../catalogue/manifest.ts';
import { tensorShape } from '../../classify/input-tensor.ts';
import { MAX_IMAGES } from '../../input/images.ts';
import { INPUT, type ModelConfig, type ModelMetadata, OUTPUT, type RepositoryIndex } from './schema.ts';

export const SERVER = {
  name: 'edge-classifier',
  version: '2',
  extensions: ['binary_tensor_data', 'classification', 'model_configuration', 'model_repository', 'statistics'],
};

const platformOf = ({ runtime }: Manifest): string => (runtime === 'int8' ? 'edge_int8' : 'tensorflowjs_layers');

/** @param versions that are served beside each other, this one too */
export const metadataOf = (manifest: Manifest, versions: readonly Manifest[]): ModelMetadata => ({
  name: manifest.id,
  versions: versions.map(({ revision }) => String(revision)),
  platform: platformOf(manifest),
  inputs: [{ name: INPUT, datatype: 'FP32', shape: [-1, ...tensorShape(manifest.input)] }],
  outputs: [{ name: OUTPUT, datatype: 'FP32', shape: [-1, manifest.classes] }],
});

/** What of Triton's model configuration its clients read. */
export const configOf = (manifest: Manifest, versions: readonly Manifest[]): ModelConfig => ({
  name: manifest.id,
  platform: platformOf(manifest),
  max_batch_size: MAX_IMAGES,
  version_policy: { latest: { num_versions: versions.length } },
  input: [{ name: INPUT, data_type: 'TYPE_FP32', format: 'FORMAT_NHWC', dims: tensorShape(manifest.input) }],
  output: [{ name: OUTPUT, data_type: 'TYPE_FP32', dims: [manifest.classes], label_filename: 'labels.json' }],
});

/** Every version of every model of the deployment; a model that cannot be read says why. */
export async function indexOf(catalogue: Catalogue, readyOnly: boolean): Promise<RepositoryIndex> {
  const ids = await catalogue.ids();
  const all = await Promise.all(
    ids.map((name) =>
      catalogue.versions(name).then(
        (versions) =>
          versions.map(({ manifest }) => ({
            name,
            version: String(manifest.revision),
            state: 'READY' as const,
            reason: '',
          })),
        () => [{ name, version: '', state: 'UNAVAILABLE' as const, reason: 'its files cannot be read' }],
      ),
    ),
  );
  return all.flat().filter(({ state }) => state === 'READY' || !readyOnly);
}
