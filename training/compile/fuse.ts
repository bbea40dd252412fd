import { type Graph, GraphError, type Node, type Shape } from '../graph/graph.ts';
import type { Copy, FusedGraph, Layer, LayerOperation } from './fused-graph.ts';
import { type View, viewOf } from './rewrite.ts';

/**
 * Puts activations and residual additions into the epilogue of the layer before them. Of two convolutions that are
 * added the later one takes the other as its residual, so that what feeds only an addition is stored but once.
 */
export function fuse(graph: Graph): FusedGraph {
  const view = viewOf(graph);
  const layers = new Map<string, Layer>();
  for (const node of graph.nodes) {
    const [inner, fused] = withAdd(node, layers, view) ??
      withActivation(node, layers, view) ?? [undefined, single(node, layers, view)];
    // The value inside has no other reader, so the layer may move down to where its last part stood.
    if (inner !== undefined) layers.delete(inner);
    layers.set(node.name, fused);
  }
  return { input: graph.input, layers: [...layers.values()], output: graph.output, shapes: view.shapes };
}

type Fused = readonly [inner: string | undefined, layer: Layer];

function withAdd(node: Node, layers: ReadonlyMap<string, Layer>, view: View): Fused | undefined {
  if (node.op !== 'add') return undefined;
  const order = [...layers.keys()];
  const [name] = node.inputs
    .filter((input, index) => {
      const layer = layers.get(input);
      const other = node.inputs[1 - index];
      return (
        layer &&
        hasEpilogue(layer.operation) &&
        !layer.residual &&
        !layer.activation &&
        view.uses(input) === 1 &&
        other !== view.graph.input.name
      );
    })
    .sort((a, b) => order.indexOf(b) - order.indexOf(a));
  const layer = layers.get(name ?? '');
  const residual = node.inputs.find((input) => input !== name);
  return name !== undefined && layer && residual !== undefined
    ? [name, { ...layer, name: node.name, residual }]
    : undefined;
}

function withActivation(node: Node, layers: ReadonlyMap<string, Layer>, view: View): Fused | undefined {
  const [name] = node.inputs;
  const layer = layers.get(name ?? '');
  if (node.op !== 'activation' || name === undefined || !layer || layer.activation || view.uses(name) !== 1)
    return undefined;
  const clips = node.activation.kind === 'clip' && (layer.operation.op === 'add' || layer.operation.op === 'mul');
  if (!clips && !hasEpilogue(layer.operation)) return undefined;
  return [name, { ...layer, name: node.name, activation: node.activation }];
}

function single(node: Node, layers: Map<string, Layer>, view: View): Layer {
  const plain = { name: node.name, inputs: node.inputs, residual: null, activation: null };
  switch (node.op) {
    case 'softmax':
    case 'scale-shift':
      throw new GraphError(`Node "${node.name}" (${node.op}) was left by the passes before, and has no integer form.`);
    case 'slice':
      return { ...plain, operation: { op: 'copy', strides: node.step, origin: negative(node.start) } };
    case 'pad': {
      const origin = [node.pads[0], node.pads[1], node.channels[0]] as const;
      const joined = slicedAndPadded(node, origin, layers, view);
      if (joined) return joined;
      return { ...plain, operation: { op: 'copy', strides: [1, 1, 1], origin } };
    }
    default:
      return { ...plain, operation: node };
  }
}

/** A slice and then a pad in one copy, where what the slice leaves out does not come back as padding. */
function slicedAndPadded(node: Node, pads: Shape, layers: Map<string, Layer>, view: View): Layer | undefined {
  const [name] = node.inputs;
  const slice = layers.get(name ?? '');
  if (name === undefined || slice?.operation.op !== 'copy' || view.uses(name) !== 1) return undefined;
  const { strides, origin } = slice.operation;
  const [source, sliced, padded] = [view.shape(slice.inputs[0]), view.shape(name), view.shape(node.name)];
  const axes = [0, 1, 2] as const;
  const exact = axes.every((axis) => {
    const before = pads[axis] === 0 || -strides[axis] - origin[axis] < 0;
    const after =
      padded[axis] === sliced[axis] + pads[axis] || sliced[axis] * strides[axis] - origin[axis] >= source[axis];
    return before && after;
  });
  if (!exact) return undefined;
  layers.delete(name);
  const shifted = axes.map((axis) => origin[axis] + pads[axis] * strides[axis]);
  const operation: Copy = { op: 'copy', strides, origin: [shifted[0] ?? 0, shifted[1] ?? 0, shifted[2] ?? 0] };
  return { ...slice, name: node.name, operation };
}

const hasEpilogue = (operation: LayerOperation): boolean => operation.op === 'conv' || operation.op === 'dense';
const negative = ([y, x, c]: Shape): Shape => [-y, -x, -c];
