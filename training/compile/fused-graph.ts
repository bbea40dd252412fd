import type { Activation, Operation, Shape } from '../graph/graph.ts';

/**
 * Output (y, x, c) is input (y · strides[0] − origin[0], x · strides[1] − origin[1], c · strides[2] − origin[2]), or
 * zero where that lies outside: slices, pads and both in one.
 */
export interface Copy {
  readonly op: 'copy';
  readonly strides: Shape;
  readonly origin: Shape;
}

/** What a layer computes before its residual and activation. */
export type LayerOperation = Exclude<Operation, { op: 'scale-shift' | 'softmax' | 'pad' | 'slice' }> | Copy;

/**
 * What one op of the program will do: activation(operation(inputs) + residual). It makes the value of the last float
 * node that went into it, and carries its name.
 */
export interface Layer {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly operation: LayerOperation;
  /** A value of the output's shape that is added before the activation. */
  readonly residual: string | null;
  readonly activation: Activation | null;
}

export interface FusedGraph {
  readonly input: { readonly name: string; readonly shape: Shape };
  readonly layers: readonly Layer[];
  readonly output: string;
  /** Of every value that a layer reads or makes. */
  readonly shapes: ReadonlyMap<string, Shape>;
}

export function shapeIn(graph: Pick<FusedGraph, 'shapes'>, name: string | undefined): Shape {
  const shape = graph.shapes.get(name ?? '');
  if (!shape) throw new Error(`no value is named "${name}"`);
  return shape;
}
