import { checkGraph } from './check.ts';
import { type Graph, GraphError, type Node } from './graph.ts';
import { elements } from './shapes.ts';

/** What stands between the last layer with weights and the output of a classifier. */
const AFTER = new Set<Node['op']>(['softmax', 'activation', 'flatten', 'scale-shift']);
const HEAD = 'head';

/** The value that the last layer reads, and how many numbers it is. @throws GraphError where the network ends in no such layer */
export function featuresOf(graph: Graph): { readonly name: string; readonly size: number } {
  const shapes = checkGraph(graph);
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]));
  let node = nodes.get(graph.output);
  while (node && AFTER.has(node.op)) node = nodes.get(node.inputs[0] ?? '');
  const name = node?.inputs[0] ?? '';
  const [height = 0, width = 0, channels = 0] = shapes.get(name) ?? [];
  const isDense = node?.op === 'dense' || (node?.op === 'conv' && node.groups === 1);
  if (!node || !isDense || height * width !== 1) {
    throw new GraphError(
      `The network ends in "${node?.name ?? graph.output}" (${node?.op ?? 'nothing'}): only a dense layer can be replaced by a new head.`,
    );
  }
  return { name, size: elements([height, width, channels]) };
}

/** The network up to its features, and a dense layer on them that gives logits. @param weights `[features][classes]` */
export function withHead(graph: Graph, weights: Float32Array, bias: Float32Array): Graph {
  const { name, size } = featuresOf(graph);
  if (weights.length !== size * bias.length) {
    throw new GraphError(
      `A head of ${weights.length} weights does not fit ${size} features and ${bias.length} classes.`,
    );
  }
  const needed = new Set([name]);
  for (const node of graph.nodes.toReversed())
    if (needed.has(node.name)) for (const own of node.inputs) needed.add(own);
  let output = HEAD;
  while (needed.has(output)) output += "'";
  const nodes = graph.nodes.filter((node) => needed.has(node.name));
  return { ...graph, nodes: [...nodes, { name: output, inputs: [name], op: 'dense', weights, bias }], output };
}
