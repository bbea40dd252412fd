import { type Graph, GraphError } from '../../graph/graph.ts';
import { fold } from './fold.ts';
import { inputFeature } from './input.ts';
import { translate } from './operators.ts';
import type { OnnxGraph, OnnxModel, OnnxNode } from './protobuf.ts';
import { Step, type Translation, type Value } from './step.ts';
import { readTensor } from './tensor.ts';

/**
 * An ONNX model as a float graph for one picture: nodes that the output needs, in order; constants are folded,
 * weights and axes turned from NCHW to NHWC. A value keeps its ONNX name.
 * @param size of the input where the file leaves it open.
 * @param folder of the file, for external data.
 * @throws GraphError naming the node that cannot be read.
 */
export function importOnnx(
  model: OnnxModel,
  folder: string,
  size: readonly [height: number, width: number] | null,
): Graph {
  const { graph, opset } = model;
  if (opset < 9 || opset > 21)
    throw new GraphError(`The ONNX file uses operator set ${opset}; 9 to 21 are read. Export it with opset 13.`);
  const values = new Map<string, Value>(graph.initializers.map((tensor) => [tensor.name, readTensor(tensor, folder)]));
  const inputs = graph.inputs.filter((input) => !values.has(input.name));
  const [input, ...others] = inputs;
  const [output, ...more] = graph.outputs;
  if (!input || !output || others.length > 0 || more.length > 0)
    throw new GraphError(
      `The network has the inputs ${named(inputs)} and the outputs ${named(graph.outputs)}; one of each is read. Export it with the picture as its only input and the scores as its only output.`,
    );
  const first = inputFeature(input, size);
  values.set(input.name, first);
  const translation: Translation = { opset, folder, values, nodes: [] };
  for (const node of needed(graph, output.name)) {
    const step = new Step(node, translation);
    if (node.op === 'LogSoftmax' && node.outputs[0] !== output.name)
      step.fail('is read as the last node only; end the network in its logits');
    const known = node.inputs.every((name) => name === '' || values.get(name)?.kind === 'constant');
    const folded = known ? fold(step) : null;
    const results = folded ? [folded] : translate(step);
    node.outputs.forEach((name, i) => {
      const result = results[i];
      if (result && name) values.set(name, result);
    });
  }
  const last = values.get(output.name);
  if (last?.kind !== 'feature') throw new GraphError(`The output "${output.name}" does not depend on the input.`);
  const spread = last.axes.filter((list) => list.length > 0);
  if (last.order || (spread.length === 1 && (spread[0]?.length ?? 0) > 1))
    throw new GraphError(
      `The output "${output.name}" is a flattened map; end the network in a dense layer or in the map.`,
    );
  return { input: { name: input.name, shape: first.shape }, nodes: translation.nodes, output: last.name };
}

/** The nodes that a value needs, each after those it reads (depth first; a node met again on its own path is a cycle). */
function needed(graph: OnnxGraph, output: string): OnnxNode[] {
  const makers = new Map<string, OnnxNode>();
  for (const node of graph.nodes)
    for (const name of node.outputs) {
      if (name && makers.has(name))
        throw new GraphError(`Two ONNX nodes make the value "${name}": the file is damaged.`);
      makers.set(name, node);
    }
  const order: OnnxNode[] = [];
  const states = new Map<OnnxNode, 'open' | 'done'>();
  const stack = [makers.get(output)];
  if (!stack[0]) throw new GraphError(`No ONNX node makes the output "${output}".`);
  while (stack.length > 0) {
    const node = stack.at(-1);
    if (!node || states.get(node) === 'done') {
      stack.pop();
      continue;
    }
    const readers = node.inputs.map((name) => (name ? makers.get(name) : undefined));
    const open = readers.filter((reader) => reader && states.get(reader) !== 'done');
    if (open.length === 0) {
      states.set(node, 'done');
      order.push(node);
      stack.pop();
      continue;
    }
    const cycle = open.find((reader) => reader && states.get(reader) === 'open');
    if (cycle || open.includes(node))
      throw new GraphError(
        `The ONNX node "${(cycle ?? node).name || (cycle ?? node).outputs[0]}" (${(cycle ?? node).op}) depends on its own output: the graph has a cycle.`,
      );
    states.set(node, 'open');
    stack.push(...open);
  }
  return order;
}

const named = (values: readonly { name: string }[]): string =>
  values.map(({ name }) => `"${name}"`).join(', ') || 'none';
