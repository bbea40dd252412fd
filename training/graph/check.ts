import { type Graph, GraphError, type Node, type Shape } from './graph.ts';
import { shapesOf } from './shapes.ts';

/**
 * Holds a graph to what `graph.ts` promises: one name a value, an order without cycles, weights that fit and are
 * numbers, shapes within bounds. Run by every importer and after every pass.
 * @returns the shape of every value by name.
 */
export function checkGraph(graph: Graph): Map<string, Shape> {
  const later = new Set(graph.nodes.map((node) => node.name));
  const known = new Set([graph.input.name]);
  for (const node of graph.nodes) {
    for (const name of node.inputs) {
      if (known.has(name)) continue;
      throw new GraphError(
        later.has(name)
          ? `Node "${node.name}" (${node.op}) reads "${name}", which is made by it or after it: the graph has a cycle or is out of order.`
          : `Node "${node.name}" (${node.op}) reads "${name}", which nothing makes.`,
      );
    }
    if (known.has(node.name)) throw new GraphError(`Two values are named "${node.name}".`);
    known.add(node.name);
    checkNumbers(node);
  }
  if (!known.has(graph.output)) throw new GraphError(`The output "${graph.output}" is made by no node.`);
  return shapesOf(graph);
}

/** Float arrays of a node by what they are. */
export function weightsOf(node: Node): [what: string, values: Float32Array][] {
  switch (node.op) {
    case 'conv':
    case 'dense':
      return node.bias
        ? [
            ['weights', node.weights],
            ['bias', node.bias],
          ]
        : [['weights', node.weights]];
    case 'scale-shift':
      return [
        ['scale', node.scale],
        ['shift', node.shift],
      ];
    case 'activation':
      return node.activation.kind === 'prelu' ? [['slope', node.activation.slope]] : [];
    default:
      return [];
  }
}

/** Most passes leave most weights as they are, and there may be 10^8. */
const finite = new WeakSet<Float32Array>();

function checkNumbers(node: Node): void {
  for (const [what, values] of weightsOf(node)) {
    if (finite.has(values)) continue;
    const index = firstInfinite(values);
    if (index >= 0)
      throw new GraphError(
        `Node "${node.name}" (${node.op}): ${what}[${index}] is ${values[index]}, not a finite number. The file is damaged, or training diverged.`,
      );
    finite.add(values);
  }
}

/** By sums, which are finite only where all numbers are; -1 where none is at fault. */
function firstInfinite(values: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index] ?? 0;
  return Number.isFinite(sum) ? -1 : values.findIndex((value) => !Number.isFinite(value));
}
