import { type Graph, GraphError, type Node, type Shape } from '../../graph/graph.ts';
import { LayerCall, type LayerWeights, type Value } from './call.ts';
import { Config, isObject, type Json } from './config.ts';
import { readsOf } from './history.ts';
import { translateLayer } from './translate.ts';

const MODELS = new Set(['Sequential', 'Functional', 'Model']);

export interface LayersModel {
  /** `{class_name, config}` */
  readonly topology: Json;
  readonly weights: LayerWeights;
  /** Major version of Keras. */
  readonly version: number;
  /** Shape of the input where the file leaves it open. */
  readonly inputShape: Shape | null;
  /** Told what was guessed. */
  readonly notice: (text: string) => void;
}

/**
 * A Keras model, its layers and the models in it, as a float graph. A layer's value has the layer's name, in a model
 * within the model that and the layer's joined by `/`.
 * @throws GraphError naming the layer that cannot be read.
 */
export function importLayers(model: LayersModel): Graph {
  const { topology } = model;
  const found = findInput(topology);
  if (!found)
    throw new GraphError('The model does not say the shape of its input. Build it on an input, then save it.');
  const sizes = found.shape.map((size, axis) => size ?? openSize(model, axis));
  const known = sizes.flatMap((size) => (size === null ? [] : [size]));
  const [height = 1, width = 1, channels = 1] = known;
  const side = Math.sqrt(height);
  const vector = sizes.length === 1 && Number.isInteger(side);
  if (known.length !== sizes.length || !(vector || sizes.length === 2 || sizes.length === 3)) {
    const shown = found.shape.map((size) => size ?? '?').join(', ');
    throw new GraphError(`The input of the model is [${shown}]; a picture [height, width, channels] is read.`);
  }
  const shape: Shape = vector ? [side, side, 1] : [height, width, channels];
  const rank = vector ? 1 : sizes.length === 2 ? 2 : 3;
  const nodes: Node[] = [];
  const walk = new Walk(model, nodes);
  const input = { name: found.name, shape, rank } as const;
  const output = walk.model(topology, [input], []);
  return { input: { name: found.name, shape }, nodes, output: output.name };
}

/** What the caller says, or for rows and columns 224, on which most such networks were trained. */
function openSize({ inputShape, notice }: LayersModel, axis: number): number | null {
  if (inputShape) return inputShape[axis] ?? null;
  if (axis > 1) return null;
  if (axis === 0) notice('The model does not say the size of its input: 224x224 is assumed.');
  return 224;
}

class Walk {
  readonly #model: LayersModel;
  readonly #nodes: Node[];

  constructor(model: LayersModel, nodes: Node[]) {
    this.#model = model;
    this.#nodes = nodes;
  }

  model(topology: Json, inputs: readonly Value[], path: readonly string[]): Value {
    return topology.class_name === 'Sequential'
      ? this.#sequential(topology, inputs, path)
      : this.#functional(topology, inputs, path);
  }

  #sequential(topology: Json, inputs: readonly Value[], path: readonly string[]): Value {
    let [value] = inputs;
    for (const layer of layersOf(topology)) {
      if (layer.class_name === 'InputLayer') continue;
      if (!value) throw new GraphError('A Sequential model has no input.');
      value = this.#call(layer, [value], path, 0);
    }
    return value ?? fail('A Sequential model has no layers.');
  }

  #functional(topology: Json, inputs: readonly Value[], path: readonly string[]): Value {
    const { config } = topology;
    const layers = new Map(layersOf(topology).map((layer) => [nameOf(layer), layer]));
    const [starts, ends] = ['input_layers', 'output_layers'].map((key) =>
      histories(isObject(config) ? config[key] : null),
    );
    if (!starts || starts.length !== inputs.length || ends?.length !== 1 || !ends[0])
      fail(
        `The model has ${starts?.length} inputs and ${ends?.length} outputs; one of each is read. Save it with the picture as its only input and the scores as its only output.`,
      );
    const values = new Map<string, Value>(
      starts.flatMap(([name], i) => (inputs[i] ? [[`${name}/0`, inputs[i]] as const] : [])),
    );
    const open = new Set<string>();
    const evaluate = (name: string, index: number): Value => {
      const layer = layers.get(name) ?? fail(`A layer reads "${name}", which is not in the model.`);
      // TF.js counts uses outside this model too, such as a model's own building, and saves only those within.
      const call = Array.isArray(layer.inbound_nodes) && layer.inbound_nodes.length <= 1 ? 0 : index;
      const key = `${name}/${call}`;
      const done = values.get(key);
      if (done) return done;
      if (open.has(key)) fail(`The layer "${name}" depends on its own output: the graph has a cycle.`);
      open.add(key);
      const reads = readsOf(layer.inbound_nodes, call) ?? fail(`The layer "${name}" is not connected.`);
      const value = this.#call(
        layer,
        reads.map((read) => (typeof read === 'number' ? read : evaluate(...read))),
        path,
        call,
      );
      open.delete(key);
      values.set(key, value);
      return value;
    };
    return evaluate(...ends[0]);
  }

  #call(layer: Json, operands: readonly (Value | number)[], path: readonly string[], use: number): Value {
    const name = nameOf(layer);
    const kind = String(layer.class_name);
    if (MODELS.has(kind)) {
      if (use > 0) fail(`The model "${name}" is used more than once in the network, which is not read.`);
      return this.model(
        layer,
        operands.filter((operand) => typeof operand !== 'number'),
        [...path, name],
      );
    }
    const label = [...path, use > 0 ? `${name}:${use}` : name].join('/');
    const weights = this.#model.weights([...path, name]);
    const { version } = this.#model;
    return translateLayer(new LayerCall(kind, label, layer.config, operands, this.#nodes, weights, version));
  }
}

/** Name and shape of the first input, which a model, its first layer or the first model in it tells. */
function findInput(topology: Json): { name: string; shape: (number | null)[] } | null {
  const layers = layersOf(topology);
  const config = isObject(topology.config) ? topology.config : {};
  const [start] = histories(config.input_layers);
  const first = start ? layers.find((layer) => nameOf(layer) === start[0]) : layers[0];
  if (!first) return null;
  const shape = new Config(nameOf(first), first.config).inputShape();
  if (shape) return { name: first.class_name === 'InputLayer' ? nameOf(first) : `${nameOf(first)}_input`, shape };
  const inner = MODELS.has(String(first.class_name)) ? findInput(first) : null;
  const built = new Config(nameOf(topology), config).inputShape();
  return inner ?? (built && { name: 'input', shape: built });
}

/** `["name", 0, 0]`, or a list of these. */
function histories(value: unknown): [name: string, use: number][] {
  const list = Array.isArray(value) && typeof value[0] === 'string' ? [value] : value;
  return Array.isArray(list)
    ? list.flatMap((item) => (Array.isArray(item) ? [[String(item[0]), Number(item[1] ?? 0)] as [string, number]] : []))
    : [];
}

function layersOf(topology: Json): Json[] {
  const { config } = topology;
  const layers = Array.isArray(config) ? config : isObject(config) ? config.layers : null;
  return Array.isArray(layers)
    ? layers.filter(isObject)
    : fail('The model has no list of layers: the file is damaged.');
}

function nameOf(layer: Json): string {
  const own = isObject(layer.config) ? layer.config.name : undefined;
  return String(layer.name ?? own ?? layer.class_name);
}

function fail(what: string): never {
  throw new GraphError(what);
}
