import { GraphError, type Node, type Operation, type Shape } from '../../graph/graph.ts';
import { shapeOf } from '../../graph/shapes.ts';
import { alike, asNchw, type Feature, flattenedOrder, isNchw, laidOut } from './layout.ts';
import type { OnnxNode } from './protobuf.ts';
import { type Constant, readTensor } from './tensor.ts';

export type Value = Constant | Feature;

/** What has been translated so far. */
export interface Translation {
  readonly opset: number;
  readonly folder: string;
  readonly values: Map<string, Value>;
  readonly nodes: Node[];
}

/** One ONNX node while it is translated: its inputs, its attributes, and the nodes it becomes. */
export class Step {
  readonly node: OnnxNode;
  readonly opset: number;
  readonly #translation: Translation;

  constructor(node: OnnxNode, translation: Translation) {
    this.node = node;
    this.opset = translation.opset;
    this.#translation = translation;
  }

  /** Name of the first output, which the last node it becomes carries. */
  get output(): string {
    return this.node.outputs[0] ?? this.node.name;
  }

  fail(what: string): never {
    const name = this.node.name || this.output;
    throw new GraphError(`ONNX node "${name}" (${this.node.op}) ${what}.`);
  }

  /** Input i, or undefined where it is left out. */
  value(i: number): Value | undefined {
    const name = this.node.inputs[i];
    if (!name) return undefined;
    return this.#translation.values.get(name) ?? this.fail(`reads "${name}", which nothing makes`);
  }

  feature(i: number): Feature {
    const value = this.value(i);
    if (value?.kind !== 'feature') this.fail(`needs a feature map as input ${i}`);
    return value;
  }

  /** Input i as a map `[1, channels, height, width]`. */
  map(i: number): Feature {
    const feature = this.feature(i);
    if (!isNchw(feature))
      this.fail(`gets [${feature.dims.join(', ')}] and needs a map [1, channels, height, width]; 2-D networks only`);
    return feature;
  }

  /** Input i as a vector `[1, 1, n]`; a map is flattened, and its ONNX order kept in `order`. */
  vector(feature: Feature): Feature {
    if (feature.axes.filter((list) => list.length > 0).length > 1)
      this.fail(`needs a vector, and gets [${feature.dims}]`);
    const [height, width] = feature.shape;
    if (height === 1 && width === 1) return feature;
    const name = `${feature.name}/flatten`;
    const { nodes } = this.#translation;
    const flat: Shape = [1, 1, height * width * feature.shape[2]];
    if (!nodes.some((node) => node.name === name)) nodes.push({ name, inputs: [feature.name], op: 'flatten' });
    const axes = feature.axes.map((list) => (list.length > 0 ? ([2] as const) : []));
    return laidOut(name, flat, feature.dims, axes, flattenedOrder(feature));
  }

  constant(i: number): Constant {
    return this.constantOr(i) ?? this.fail(`lacks its input ${i}`);
  }

  constantOr(i: number): Constant | undefined {
    const value = this.value(i);
    if (value?.kind === 'feature')
      this.fail(`has an input ${i} ("${this.node.inputs[i]}") that depends on the picture; it has to be a constant`);
    return value;
  }

  /** A constant list of integers, given as an input since some opset and as an attribute before. */
  list(name: string, input: number): number[] | undefined {
    const attribute = this.node.attributes.get(name);
    if (attribute) return attribute.ints;
    const values = this.constantOr(input);
    return values && Array.from(values.values);
  }

  int(name: string, otherwise: number): number {
    return this.node.attributes.get(name)?.int ?? otherwise;
  }

  ints(name: string): number[] | undefined {
    return this.node.attributes.get(name)?.ints;
  }

  float(name: string, otherwise: number): number {
    return this.node.attributes.get(name)?.float ?? otherwise;
  }

  text(name: string, otherwise: string): string {
    return this.node.attributes.get(name)?.text ?? otherwise;
  }

  tensor(name: string): Constant | undefined {
    const tensor = this.node.attributes.get(name)?.tensor;
    return tensor && readTensor(tensor, this.#translation.folder);
  }

  /** An axis of `rank` dims, counted from the end where negative. */
  axis(axis: number, rank: number): number {
    const result = axis < 0 ? axis + rank : axis;
    if (!(result >= 0 && result < rank)) this.fail(`has the axis ${axis} of ${rank}`);
    return result;
  }

  /** Adds a node. The one without a suffix carries the name of the ONNX output. */
  emit(operation: Operation, inputs: readonly Feature[], suffix = ''): { name: string; shape: Shape } {
    return this.emitNamed(suffix ? `${this.output}/${suffix}` : this.output, operation, inputs);
  }

  emitNamed(name: string, operation: Operation, inputs: readonly Feature[]): { name: string; shape: Shape } {
    const node: Node = { name, inputs: inputs.map((input) => input.name), ...operation };
    const shape = shapeOf(
      node,
      inputs.map((input) => input.shape),
    );
    this.#translation.nodes.push(node);
    return { name, shape };
  }

  /** Adds a node that gives a new map. */
  emitMap(operation: Operation, inputs: readonly Feature[], suffix = ''): Feature {
    const { name, shape } = this.emit(operation, inputs, suffix);
    return asNchw(name, shape);
  }

  /** Adds a node that changes each element where it stands. */
  emitAlike(operation: Operation, feature: Feature, others: readonly Feature[] = [], suffix = ''): Feature {
    return alike(feature, this.emit(operation, [feature, ...others], suffix).name);
  }
}
