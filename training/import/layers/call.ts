import { GraphError, type Node, type Operation, type Shape } from '../../graph/graph.ts';
import { shapeOf } from '../../graph/shapes.ts';
import { Config } from './config.ts';

/**
 * What a layer takes and gives. Keras sees `rank` dimensions of it, batch left out: 3 a map, 2 a map of one channel, 1 a
 * vector (flattened lazily, as the order of channels_last is that of memory).
 */
export interface Value {
  readonly name: string;
  readonly shape: Shape;
  readonly rank: 1 | 2 | 3;
}

export interface Weight {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Weights of the layer at a path of model and layer names, by the last part of their names (`kernel`, `bias` …). */
export type LayerWeights = (path: readonly string[]) => ReadonlyMap<string, Weight>;

/** One use of one layer, while it is translated. */
export class LayerCall {
  readonly kind: string;
  readonly config: Config;
  /** What it reads, numbers of the network's code included. */
  readonly operands: readonly (Value | number)[];
  readonly inputs: readonly Value[];
  /** Major version of the Keras that wrote the file; 2 for TF.js. */
  readonly version: number;
  readonly #name: string;
  readonly #nodes: Node[];
  readonly #weights: ReadonlyMap<string, Weight>;

  constructor(
    kind: string,
    name: string,
    config: unknown,
    operands: readonly (Value | number)[],
    nodes: Node[],
    weights: ReadonlyMap<string, Weight>,
    version: number,
  ) {
    this.kind = kind;
    this.config = new Config(`"${name}" (${kind})`, config);
    this.operands = operands;
    this.inputs = operands.filter((operand) => typeof operand !== 'number');
    this.version = version;
    this.#name = name;
    this.#nodes = nodes;
    this.#weights = weights;
  }

  fail(what: string): never {
    throw new GraphError(`Layer "${this.#name}" (${this.kind}) ${what}.`);
  }

  /** The only input. */
  get input(): Value {
    const [input] = this.inputs;
    if (!input || this.inputs.length !== 1) this.fail(`takes one input, and has ${this.inputs.length}`);
    return input;
  }

  /** The only input, a map. */
  get map(): Value {
    if (this.input.rank !== 3)
      this.fail(`takes a map [height, width, channels], and gets ${this.input.rank} dimension(s)`);
    if (this.config.text('data_format', 'channels_last') !== 'channels_last')
      this.fail('has data_format channels_first; save the model with channels_last');
    return this.input;
  }

  /** The map flattened. */
  vector(value: Value): Value {
    const [height, width] = value.shape;
    if (height === 1 && width === 1) return { ...value, rank: 1 };
    const name = `${value.name}/flatten`;
    const made = this.#nodes.some((node) => node.name === name);
    const node: Node = { name, inputs: [value.name], op: 'flatten' };
    if (!made) this.#nodes.push(node);
    return { name, shape: shapeOf(node, [value.shape]), rank: 1 };
  }

  weight(name: string): Weight {
    const weight = this.#weights.get(name);
    if (!weight) {
      const there = [...this.#weights.keys()].join(', ') || 'none';
      this.fail(`lacks its weights "${name}" (there are: ${there}): the file is incomplete`);
    }
    return weight;
  }

  weightOr(name: string): Weight | null {
    return this.#weights.get(name) ?? null;
  }

  /** Adds a node. The one without a suffix carries the layer's name and must be the last. */
  emit(operation: Operation, inputs: readonly Value[], suffix = ''): Value {
    const name = suffix ? `${this.#name}/${suffix}` : this.#name;
    const node: Node = { name, inputs: inputs.map((input) => input.name), ...operation };
    const shape = shapeOf(
      node,
      inputs.map((input) => input.shape),
    );
    this.#nodes.push(node);
    return { name, shape, rank: inputs[0]?.rank ?? 3 };
  }
}
