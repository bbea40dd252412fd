import type { Manifest } from '../../catalogue/manifest.ts';
import { tensorShape } from '../../classify/input-tensor.ts';
import { INPUT, INPUT_BYTES, type Metadata, OUTPUT, SIGNATURES, type Status } from './schema.ts';

/** All versions are those that are served; each is loaded when it is first asked. */
export const statusOf = (manifests: readonly Manifest[]): Status => ({
  model_version_status: manifests.map(({ revision }) => ({
    version: String(revision),
    state: 'AVAILABLE',
    status: { error_code: 'OK', error_message: '' },
  })),
});

/** As `GetModelMetadataResponse` is written in JSON: int64 as text, -1 for the batch, signature_def within signature_def. */
export function metadataOf(manifest: Manifest): Metadata {
  const { id, revision, classes } = manifest;
  const tensor = info(INPUT, 'DT_FLOAT', [-1, ...tensorShape(manifest.input)]);
  const bytes = info(INPUT_BYTES, 'DT_STRING', [-1]);
  const scores = info(OUTPUT, 'DT_FLOAT', [-1, classes]);
  const labels = info('classes', 'DT_STRING', [-1, classes]);
  const [byDefault, ofBytes, classify] = SIGNATURES;
  return {
    model_spec: { name: id, signature_name: '', version: String(revision) },
    metadata: {
      signature_def: {
        signature_def: {
          [byDefault]: signature({ [INPUT]: tensor }, { [OUTPUT]: scores }, 'predict'),
          [ofBytes]: signature({ [INPUT_BYTES]: bytes }, { [OUTPUT]: scores }, 'predict'),
          [classify]: signature({ inputs: bytes }, { classes: labels, scores }, 'classify'),
        },
      },
    },
  };
}

type Signature = Metadata['metadata']['signature_def']['signature_def'][string];

const signature = (inputs: Signature['inputs'], outputs: Signature['outputs'], method: string): Signature => ({
  inputs,
  outputs,
  method_name: `tensorflow/serving/${method}`,
});

const info = (name: string, dtype: string, shape: readonly number[]): Signature['inputs'][string] => ({
  dtype,
  name: `${name}:0`,
  tensor_shape: { dim: shape.map((size) => ({ size: String(size), name: '' })), unknown_rank: false },
});
