import { type Layer, type Parameter, type ParameterSource, parametersOf } from '../architectures/layer.ts';
import type { Network } from '../architectures/network.ts';
import { toGraph } from '../architectures/to-graph.ts';
import { type Graph, GraphError, type Shape } from '../graph/graph.ts';
import type { Weight, WeightsFile } from './weights-file.ts';

/**
 * The network with the numbers of a file.
 * @throws GraphError naming the layer where the file is of another network
 */
export function networkWithWeights(network: Network, file: WeightsFile): Graph {
  return toGraph(network.input, network.layers, parametersFrom(network, file));
}

/**
 * Layers are found by name. Where one name of the network and one of the file are left, they are the same layer:
 * Keras renamed ResNet-50's last one, as it loads by order.
 */
function parametersFrom(network: Network, file: WeightsFile): ParameterSource {
  const needed = network.layers.filter((layer) => parametersOf(layer).length > 0);
  const missing = needed.filter(({ name }) => !file.layers.has(name));
  const left = [...file.layers.keys()].filter((name) => !needed.some((layer) => layer.name === name));
  const renamed = missing.length === 1 && left.length === 1 ? left[0] : undefined;
  if (missing[0] && renamed === undefined) {
    throw other(file, network, `it has nothing for "${missing[0].name}"${more(missing)}`);
  }
  const extra = left.filter((name) => name !== renamed);
  if (extra.length > 0)
    throw other(file, network, `it has a layer "${extra[0]}"${more(extra)} that the network has not`);
  const flattened = new Map(network.layers.map((layer) => [layer.name, layer]));
  const weightsOf = ({ name }: Layer) => file.layers.get(name) ?? file.layers.get(renamed ?? '') ?? [];
  for (const layer of needed) mustMatch(layer, weightsOf(layer), file, network);
  return (layer, parameter) => {
    const index = parametersOf(layer).findIndex(({ name }) => name === parameter.name);
    const { values } = weightsOf(layer)[index] ?? { values: new Float32Array() };
    if (file.layout === 'keras' || parameter.name !== 'kernel') return values;
    const before = flattened.get(layer.inputs[0] ?? '');
    return layer.kind === 'dense'
      ? denseFromCaffe(values, before?.kind === 'flatten' ? before.input : layer.input, layer.output[2])
      : convFromCaffe(values, parameter.shape);
  };
}

function mustMatch(layer: Layer, weights: readonly Weight[], file: WeightsFile, network: Network): void {
  const parameters = parametersOf(layer);
  if (weights.length !== parameters.length) {
    throw other(file, network, `"${layer.name}" has ${weights.length} arrays there, and ${parameters.length} here`);
  }
  for (const [index, parameter] of parameters.entries()) {
    const expected = file.layout === 'keras' ? parameter.shape : caffeShape(layer, parameter);
    const found = weights[index]?.shape ?? [];
    if (found.join() === expected.join()) continue;
    const shapes = `[${found.join(', ')}] there, and [${expected.join(', ')}] here`;
    throw other(file, network, `the ${parameter.name} of "${layer.name}" is ${shapes}`);
  }
}

function caffeShape(layer: Layer, { name, shape }: Parameter): readonly number[] {
  if (name !== 'kernel') return shape;
  const [y = 0, x = 0, inputs = 0, filters = 0] = shape;
  return layer.kind === 'dense' ? [x, y] : [filters, inputs, y, x];
}

/** OIHW → HWIO. */
function convFromCaffe(values: Float32Array, [height = 0, width = 0, inputs = 0, filters = 0]: readonly number[]) {
  const kernel = new Float32Array(values.length);
  const positions = height * width;
  for (let o = 0, from = 0; o < filters; o++)
    for (let i = 0; i < inputs; i++)
      for (let position = 0; position < positions; position++, from++)
        kernel[(position * inputs + i) * filters + o] = values[from] ?? 0;
  return kernel;
}

/** `[units, channels · height · width]` → `[height · width · channels, units]`. */
function denseFromCaffe(values: Float32Array, [height, width, channels]: Shape, units: number): Float32Array {
  const kernel = new Float32Array(values.length);
  const positions = height * width;
  for (let unit = 0, from = 0; unit < units; unit++)
    for (let channel = 0; channel < channels; channel++)
      for (let position = 0; position < positions; position++, from++)
        kernel[(position * channels + channel) * units + unit] = values[from] ?? 0;
  return kernel;
}

const other = (file: WeightsFile, network: Network, why: string) =>
  new GraphError(`${file.name} holds weights of another network than ${network.name}: ${why}.`);
const more = (list: readonly unknown[]) => (list.length > 1 ? ` and ${list.length - 1} more` : '');
