import { access, readFile } from 'node:fs/promises';
import path from 'node:path';
import { checkGraph } from '../graph/check.ts';
import { type Graph, GraphError, type Shape } from '../graph/graph.ts';
import { recogniseHardSwish } from './hard-swish.ts';
import { importKeras } from './keras.ts';
import { importOnnx } from './onnx/graph.ts';
import { guessedSizes } from './onnx/input.ts';
import { readModel } from './onnx/protobuf.ts';
import { importTfjs } from './tfjs.ts';

export interface OpenOptions {
  /** Height, width and channels where the file leaves its input's size open. */
  readonly inputShape?: Shape;
  /** Told what the file did not say and was guessed. */
  readonly notice?: (text: string) => void;
}

/**
 * Reads a network: `.onnx`, Keras' `.h5` or `.hdf5`, or TF.js' layers `model.json`.
 * @throws GraphError where the file is missing, damaged, or holds what cannot be run; never half a graph.
 */
export async function openModel(file: string, options: OpenOptions = {}): Promise<Graph> {
  const graph = recogniseHardSwish(await importFile(file, options));
  checkGraph(graph);
  const { inputShape: wanted } = options;
  if (wanted?.some((size, axis) => size !== graph.input.shape[axis]))
    throw new GraphError(`"${file}" takes a picture [${graph.input.shape.join(', ')}], not [${wanted.join(', ')}].`);
  return graph;
}

async function importFile(file: string, options: OpenOptions): Promise<Graph> {
  const name = path.basename(file).toLowerCase();
  await access(file).catch((error: unknown) => {
    throw new GraphError(`"${file}" cannot be read: is it there?`, { cause: error });
  });
  const [shape, notice] = [options.inputShape ?? null, options.notice ?? (() => {})] as const;
  if (name.endsWith('.onnx')) return openOnnx(file, options);
  if (/\.(h5|hdf5)$/.test(name)) return importKeras(file, shape, notice);
  if (name.endsWith('.json')) return importTfjs(file, shape, notice);
  throw new GraphError(
    name.endsWith('.keras')
      ? `"${file}" is Keras 3's own format. Save it as HDF5: keras.models.load_model(…).save('model.h5').`
      : `"${file}" is no file that is read: give an .onnx, a Keras .h5 or .hdf5, or a TF.js model.json.`,
  );
}

async function openOnnx(file: string, { inputShape, notice }: OpenOptions): Promise<Graph> {
  const model = readModel(await readFile(file));
  const folder = path.dirname(file);
  if (inputShape) return importOnnx(model, folder, [inputShape[0], inputShape[1]]);
  let failure: unknown;
  const sizes = guessedSizes(model.graph);
  for (const size of sizes ?? [null]) {
    try {
      const graph = importOnnx(model, folder, size);
      if (size) notice?.(`${path.basename(file)} does not say the size of its input: ${size.join('x')} is assumed.`);
      return graph;
    } catch (error) {
      if (!(error instanceof GraphError)) throw error;
      failure = error;
    }
  }
  throw failure;
}
