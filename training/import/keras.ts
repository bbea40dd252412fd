import h5wasm, { Dataset, type File, Group } from 'h5wasm/node';
import { type Graph, GraphError, type Shape } from '../graph/graph.ts';
import { isObject, type Json } from './layers/config.ts';
import { importLayers } from './layers/model.ts';
import { LayerIndex } from './layers/weights.ts';

/**
 * A model that `model.save('….h5')` wrote, Keras 2.0 to 3. Its architecture is the attribute `model_config`, its
 * weights lie in `model_weights/<layer>/…`; the optimizer's are left alone.
 * @param inputShape where the file leaves it open.
 */
export async function importKeras(
  file: string,
  inputShape: Shape | null,
  notice: (text: string) => void,
): Promise<Graph> {
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
    const topology = readTopology(opened, file);
    const root = opened.get('model_weights');
    if (!(root instanceof Group))
      throw new GraphError(`"${file}" holds no weights. Save the whole model: model.save('model.h5').`);
    const index = new LayerIndex();
    collect(root, '', index);
    const version = Number.parseInt(text(opened.attrs.keras_version?.value), 10) || 2;
    return importLayers({ topology, version, inputShape, notice, weights: (path) => index.of(path) });
  } catch (error) {
    if (error instanceof GraphError) throw error;
    throw new GraphError(`"${file}" is damaged: ${error instanceof Error ? error.message : error}.`, { cause: error });
  } finally {
    opened.close();
  }
}

function readTopology(file: File, name: string): Json {
  const config = text(file.attrs.model_config?.value);
  if (!config)
    throw new GraphError(
      `"${name}" holds weights without an architecture. Save the whole model: model.save('model.h5').`,
    );
  const topology: unknown = JSON.parse(config);
  if (!isObject(topology))
    throw new GraphError(`"${name}" has an architecture that is no object: the file is damaged.`);
  return topology;
}

/** Strings are stored as such, as bytes, or as a list of one. */
function text(value: unknown): string {
  if (Array.isArray(value)) return text(value[0]);
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  return typeof value === 'string' ? value : '';
}

function collect(group: Group, path: string, index: LayerIndex): void {
  for (const key of group.keys()) {
    const entity = group.get(key);
    const name = path ? `${path}/${key}` : key;
    if (entity instanceof Group) collect(entity, name, index);
    else if (entity instanceof Dataset) index.add(name, readWeight(entity, name));
  }
}

function readWeight(dataset: Dataset, name: string): { shape: number[]; values: Float32Array } {
  const { value } = dataset;
  const shape = dataset.shape ?? [];
  const numbers = typeof value === 'number' ? [value] : value;
  if (
    !(Array.isArray(numbers) || ArrayBuffer.isView(numbers)) ||
    numbers instanceof BigInt64Array ||
    numbers instanceof BigUint64Array
  )
    throw new GraphError(`The weight "${name}" is no array of numbers.`);
  const values = Float32Array.from(numbers as ArrayLike<number>);
  if (values.length !== shape.reduce((a, b) => a * b, 1))
    throw new GraphError(`The weight "${name}" has ${values.length} values for [${shape}]: the file is truncated.`);
  return { shape, values };
}
