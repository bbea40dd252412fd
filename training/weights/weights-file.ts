import { GraphError } from '../graph/graph.ts';
import { readCaffeWeights } from './caffe-file.ts';
import { readKerasWeights } from './keras-file.ts';

export interface Weight {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Weights without an architecture. */
export interface WeightsFile {
  readonly name: string;
  /** Keras: kernels HWIO, `[inputs, units]`. Caffe: OIHW, `[units, inputs]`, and maps are flattened channel by channel. */
  readonly layout: 'keras' | 'caffe';
  /** Those of each layer, in the order in which the framework holds them. */
  readonly layers: ReadonlyMap<string, readonly Weight[]>;
}

/**
 * @returns null where the file is of a kind that holds the architecture too.
 * @throws GraphError where it is damaged
 */
export async function readWeightsFile(file: string): Promise<WeightsFile | null> {
  if (/\.(h5|hdf5)$/i.test(file)) return readKerasWeights(file);
  return /\.caffemodel$/i.test(file) ? readCaffeWeights(file) : null;
}

/** @throws GraphError where the numbers are not as many as the shape says. */
export function weight(layer: string, shape: readonly number[], values: Float32Array): Weight {
  const expected = shape.reduce((product, size) => product * size, 1);
  if (values.length !== expected) {
    throw new GraphError(
      `"${layer}" has ${values.length} numbers for [${shape.join(', ')}]: the file is truncated or damaged.`,
    );
  }
  return { shape, values };
}
