import { weightsOf } from './check.ts';
import type { Graph, Node } from './graph.ts';
import { shapesOf } from './shapes.ts';

/** Parameters of a node: every float that training found. */
export function parameters(node: Node): number {
  return weightsOf(node).reduce((sum, [, values]) => sum + values.length, 0);
}

/** Parameters of a whole network. */
export function totalParameters(graph: Graph): number {
  return graph.nodes.reduce((sum, node) => sum + parameters(node), 0);
}

/** The network as `model.summary()` of Keras prints it: a row a node with its output shape, parameters and inputs. */
export function summary(graph: Graph, title: string): string {
  const shapes = shapesOf(graph);
  const shown = (name: string) => `(None, ${(shapes.get(name) ?? []).join(', ')})`;
  const rows = [
    ['Layer (type)', 'Output shape', 'Param #', 'Connected to'],
    [`${graph.input.name} (input)`, shown(graph.input.name), '0', ''],
    ...graph.nodes.map((node) => [
      `${node.name} (${kindOf(node)})`,
      shown(node.name),
      parameters(node).toLocaleString('en-US'),
      node.inputs.join(', '),
    ]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === 2 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  const [head = [], ...body] = rows;
  const rule = (mark: string) => mark.repeat(widths.reduce((a, b) => a + b + 2, -2));
  const total = `Total params: ${totalParameters(graph).toLocaleString('en-US')}`;
  return [`Model: "${title}"`, rule('_'), line(head), rule('='), ...body.map(line), rule('='), total].join('\n');
}

function kindOf(node: Node): string {
  if (node.op === 'activation') return node.activation.kind;
  if (node.op === 'conv' && node.groups > 1) return `conv, ${node.groups} groups`;
  return node.op;
}
