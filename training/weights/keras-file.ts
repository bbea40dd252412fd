import path from 'node:path';
import h5wasm, { Dataset, type File, Group } from 'h5wasm/node';
import { GraphError } from '../graph/graph.ts';
import { type Weight, type WeightsFile, weight } from './weights-file.ts';

/**
 * What `model.save_weights('….h5')` wrote, as Keras Applications publishes it: a group a layer, whose attribute
 * `weight_names` lists its arrays in order (their own names changed over the years: `block1_conv1_W_1:0`, `kernel:0`).
 * @returns null for a whole model, which has the attribute `model_config`.
 */
export async function readKerasWeights(file: string): Promise<WeightsFile | null> {
  const module = await h5wasm.ready;
  // Else the library prints its own errors.
  module.activate_throwing_error_handler();
  let opened: File;
  try {
    opened = new h5wasm.File(file, 'r');
  } catch (error) {
    throw new GraphError(`"${file}" is no whole HDF5 file: it is truncated or damaged.`, { cause: error });
  }
  try {
    if (opened.attrs.model_config) return null;
    const layers = new Map<string, readonly Weight[]>();
    for (const name of texts(opened.attrs.layer_names?.value)) {
      const group = opened.get(name);
      if (!(group instanceof Group)) throw new GraphError(`"${file}" names a layer "${name}" and has none.`);
      const weights = texts(group.attrs.weight_names?.value).map((key) => read(group, key, name));
      if (weights.length > 0) layers.set(name, weights);
    }
    return { name: path.basename(file), layout: 'keras', layers };
  } catch (error) {
    if (error instanceof GraphError) throw error;
    throw new GraphError(`"${file}" is damaged: ${error instanceof Error ? error.message : error}.`, { cause: error });
  } finally {
    opened.close();
  }
}

function read(group: Group, key: string, layer: string): Weight {
  const dataset = group.get(key);
  const value = dataset instanceof Dataset ? dataset.value : null;
  if (!(dataset instanceof Dataset && value instanceof Float32Array))
    throw new GraphError(`The weight "${key}" of "${layer}" is no array of float32.`);
  return weight(layer, dataset.shape ?? [], value);
}

const texts = (value: unknown): string[] =>
  Array.isArray(value)
    ? value.map((text) => (text instanceof Uint8Array ? new TextDecoder().decode(text) : String(text)))
    : [];
