import { weightsOf } from './check.ts';
import type { Graph, Node } from './graph.ts';
import { shapesOf } from './shapes.ts';

/** One layer of a summary. */
export interface SummaryRow {
  readonly name: string;
  readonly type: string;
  /** Without the batch. */
  readonly shape: readonly number[];
  /** Numbers that training finds by gradients. */
  readonly trainable: number;
  /** Numbers that it does not, as a batch norm's moving statistics. */
  readonly fixed: number;
  readonly inputs: readonly string[];
}

/** Parameters of a node: every float that training found. */
export function parameters(node: Node): number {
  return weightsOf(node).reduce((sum, [, values]) => sum + values.length, 0);
}

/** Parameters of a whole network. */
export function totalParameters(graph: Graph): number {
  return graph.nodes.reduce((sum, node) => sum + parameters(node), 0);
}

/**
 * An imported network as `model.summary()` of Keras prints it. Which of its numbers were trained is not known: a batch
 * norm is two numbers a channel here.
 */
export function summary(graph: Graph, title: string): string {
  const shapes = shapesOf(graph);
  const row = (name: string, type: string, numbers: number, inputs: readonly string[]) => {
    return { name, type, shape: shapes.get(name) ?? [], trainable: numbers, fixed: 0, inputs };
  };
  const rows = [
    row(graph.input.name, 'input', 0, []),
    ...graph.nodes.map((node) => row(node.name, kindOf(node), parameters(node), node.inputs)),
  ];
  return [printRows(rows, title), `Total params: ${grouped(totalParameters(graph))}`].join('\n');
}

/** A described network as `model.summary()` of Keras prints it, with the totals of what is trained and what is not. */
export function layerSummary(rows: readonly SummaryRow[], title: string): string {
  const total = (count: (row: SummaryRow) => number) => grouped(rows.reduce((sum, row) => sum + count(row), 0));
  return [
    printRows(rows, title),
    `Total params: ${total((row) => row.trainable + row.fixed)}`,
    `Trainable params: ${total((row) => row.trainable)}`,
    `Non-trainable params: ${total((row) => row.fixed)}`,
  ].join('\n');
}

/** A row a layer with its output shape, parameters and inputs, between rules. */
function printRows(layers: readonly SummaryRow[], title: string): string {
  const rows = [
    ['Layer (type)', 'Output shape', 'Param #', 'Connected to'],
    ...layers.map(({ name, type, shape, trainable, fixed, inputs }) => [
      `${name} (${type})`,
      `(None, ${shape.join(', ')})`,
      grouped(trainable + fixed),
      inputs.join(', '),
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
  return [`Model: "${title}"`, rule('_'), line(head), rule('='), ...body.map(line), rule('=')].join('\n');
}

const grouped = (count: number) => count.toLocaleString('en-US');

function kindOf(node: Node): string {
  if (node.op === 'activation') return node.activation.kind;
  if (node.op === 'conv' && node.groups > 1) return `conv, ${node.groups} groups`;
  return node.op;
}
