import { io } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** A trained network on its way to a folder. */
export interface SavedModel {
  /** `model.json`, with the names of the files that will hold the weights. */
  topology(shards: readonly string[]): io.ModelJSON;
  /** All weights, in the order of the topology's weights manifest. */
  readonly weights: Uint8Array<ArrayBuffer>;
}

/** TF.js without tfjs-node has no handler for files: this one only hands out what `save` would write. */
export async function saveLayersModel(model: LayersModel): Promise<SavedModel> {
  const artifacts = await new Promise<io.ModelArtifacts>((resolve, reject) => {
    const handler = io.withSaveHandler(async (saved) => {
      resolve(saved);
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    });
    model.save(handler).catch(reject);
  });
  const { modelTopology, weightSpecs, weightData, format, generatedBy } = artifacts;
  if (!modelTopology || modelTopology instanceof ArrayBuffer || !weightSpecs || !weightData) {
    throw new Error('TF.js saved a model without topology or weights');
  }
  return {
    topology: (shards) => ({
      format: format ?? 'layers-model',
      generatedBy: generatedBy ?? '',
      convertedBy: '',
      modelTopology,
      weightsManifest: [{ paths: [...shards], weights: weightSpecs }],
    }),
    weights: new Uint8Array(io.CompositeArrayBuffer.join(weightData)),
  };
}
