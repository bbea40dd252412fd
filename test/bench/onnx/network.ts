import type { Graph, Node, Shape } from '../../../training/graph/graph.ts';
import { shapesOf } from '../../../training/graph/shapes.ts';
import type { Attribute, OnnxModel, OnnxNode, OnnxTensor, Values } from '../../../training/onnx/write.ts';

/** How a network is spelled: in float32, or quantized. Names are those of values of the graph. */
export interface Spelling {
  /** A value as the inputs of an operation want it. */
  read(name: string): string;
  /** Weights [outputs first, or last with `axis` 1] of a node that reads `input`. */
  weights(node: string, values: Float32Array, dims: readonly number[], axis: 0 | 1): string;
  bias(node: string, values: Float32Array): string;
  /** Where an operation puts the value, and what follows that. */
  write(name: string, emit: (output: string) => void): void;
  /** For what only moves values, or takes the larger of two. */
  move(name: string, inputs: readonly string[], emit: (inputs: readonly string[], output: string) => void): void;
}

/** Collects an ONNX graph in NCHW, batch 1; vectors are `[1, n]` behind a flatten or a dense layer. */
export class OnnxNetwork {
  readonly nodes: OnnxNode[] = [];
  readonly initializers = new Map<string, OnnxTensor>();

  add(op: string, inputs: readonly string[], output: string, attributes: Record<string, Attribute> = {}): string {
    this.nodes.push({ op, inputs, outputs: [output], attributes });
    return output;
  }

  constant(name: string, values: Values, dims: readonly number[]): string {
    this.initializers.set(name, { values, dims });
    return name;
  }

  model(graph: Graph, output: string): OnnxModel {
    const { nodes, initializers } = this;
    const [height, width, channels] = graph.input.shape;
    const inputs = [{ name: graph.input.name, dims: [1, channels, height, width] }];
    return { opset: 13, nodes, initializers, inputs, outputs: [output] };
  }
}

/** Adds every node of the graph but those that `skip` names. */
export function spell(graph: Graph, network: OnnxNetwork, spelling: Spelling, skip: (node: Node) => boolean): void {
  const shapes = shapesOf(graph);
  const laidOut = new Map<string, Shape>();
  for (const node of graph.nodes) {
    const [input = ''] = node.inputs;
    const shape = shapes.get(input) ?? [0, 0, 0];
    if (node.op === 'flatten') laidOut.set(node.name, shape);
    if (skip(node)) continue;
    const { op, attributes, constants, moves } = operatorOf(
      node,
      shape,
      laidOut.get(input) ?? shape,
      network,
      spelling,
    );
    if (moves) spelling.move(node.name, node.inputs, (from, output) => network.add(op, from, output, attributes));
    else {
      spelling.write(node.name, (output) => {
        network.add(op, [...node.inputs.map((name) => spelling.read(name)), ...constants], output, attributes);
      });
    }
  }
}

interface Operator {
  readonly op: string;
  readonly attributes: Record<string, Attribute>;
  /** Behind the inputs. */
  readonly constants: readonly string[];
  /** Whether it takes values as they are stored. */
  readonly moves: boolean;
}

/** @param map what the input was before it was laid out as a vector */
function operatorOf(node: Node, shape: Shape, map: Shape, network: OnnxNetwork, spelling: Spelling): Operator {
  const plain = (op: string, attributes: Operator['attributes'] = {}, constants: readonly string[] = []): Operator => ({
    ...{ op, attributes, constants, moves: false },
  });
  const moving = (op: string, attributes: Operator['attributes'] = {}): Operator => ({
    ...plain(op, attributes),
    moves: true,
  });
  switch (node.op) {
    case 'conv': {
      const { kernel, strides, dilations, pads, groups, weights, bias } = node;
      const inner = shape[2] / groups;
      const outputs = weights.length / (kernel[0] * kernel[1] * inner);
      const constants = [
        spelling.weights(node.name, outputsFirst(weights, inner, outputs), [outputs, inner, ...kernel], 0),
        ...(bias ? [spelling.bias(node.name, bias)] : []),
      ];
      return plain('Conv', { strides, dilations, pads, group: groups, kernel_shape: kernel }, constants);
    }
    case 'dense': {
      const { weights, bias } = node;
      const outputs = weights.length / shape[2];
      const constants = [
        spelling.weights(node.name, channelsFirst(weights, map, outputs), [shape[2], outputs], 1),
        ...(bias ? [spelling.bias(node.name, bias)] : []),
      ];
      return plain('Gemm', {}, constants);
    }
    case 'max-pool':
      return moving('MaxPool', window(node, shape));
    case 'average-pool':
      return plain('AveragePool', { ...window(node, shape), count_include_pad: node.countPads ? 1 : 0 });
    case 'concat':
      return moving('Concat', { axis: 1 });
    case 'flatten':
      return moving('Flatten');
    case 'global-average-pool':
      return plain('GlobalAveragePool');
    case 'add':
      return plain('Add');
    case 'mul':
      return plain('Mul');
    case 'lrn': {
      const { size, alpha, beta, k } = node;
      return plain('LRN', { size, alpha: { float: alpha }, beta: { float: beta }, bias: { float: k } });
    }
    case 'activation': {
      const { activation } = node;
      if (activation.kind === 'sigmoid') return plain('Sigmoid');
      if (activation.kind !== 'clip') break;
      if (activation.low === 0 && activation.high === Number.POSITIVE_INFINITY) return plain('Relu');
      const limits = (['low', 'high'] as const).map((end) =>
        network.constant(`${node.name}:${end}`, Float32Array.of(activation[end]), []),
      );
      return plain('Clip', {}, limits);
    }
  }
  throw new Error(`"${node.name}" (${node.op}) is not benched on onnxruntime`);
}

/** [taps][inputs][outputs] → [outputs][inputs][taps] */
function outputsFirst(weights: Float32Array, inputs: number, outputs: number): Float32Array {
  const rows = weights.length / outputs;
  const taps = rows / inputs;
  const turned = new Float32Array(weights.length);
  for (let row = 0; row < rows; row++) {
    const to = (row % inputs) * taps + Math.floor(row / inputs);
    for (let n = 0; n < outputs; n++) turned[n * rows + to] = weights[row * outputs + n] ?? 0;
  }
  return turned;
}

/** Weights of a dense layer [pixels][channels][outputs] → [channels][pixels][outputs], as ONNX lays out a map. */
function channelsFirst(weights: Float32Array, [height, width, channels]: Shape, outputs: number): Float32Array {
  const pixels = height * width;
  if (pixels === 1) return weights;
  const turned = new Float32Array(weights.length);
  for (let row = 0; row < pixels * channels; row++) {
    const to = (row % channels) * pixels + Math.floor(row / channels);
    turned.set(weights.subarray(row * outputs, (row + 1) * outputs), to * outputs);
  }
  return turned;
}

type Pool = Extract<Node, { op: 'max-pool' | 'average-pool' }>;

/** ONNX computes the size of a pool's output; one that is larger than without rounding up was rounded up. */
function window({ kernel, strides, pads, output }: Pool, [height]: Shape): Record<string, Attribute> {
  const rows = Math.floor((height + pads[0] + pads[2] - kernel[0]) / strides[0]) + 1;
  return { kernel_shape: kernel, strides, pads, ceil_mode: output[0] > rows ? 1 : 0 };
}
