import type { Graph, Node, Shape } from '../graph/graph.ts';
import { shapesOf } from '../graph/shapes.ts';

/** A graph while rules rewrite it, with the questions that they ask. */
export interface View {
  readonly graph: Graph;
  readonly shapes: ReadonlyMap<string, Shape>;
  /** The node that makes a value; undefined for the graph's input. */
  producer(name: string | undefined): Node | undefined;
  /** How often a value is read; being the graph's output counts. */
  uses(name: string): number;
  /** The one node that reads a value, where there is exactly one reader. */
  onlyConsumer(name: string): Node | undefined;
  shape(name: string | undefined): Shape;
}

/** What a rule wants at a node: other nodes in its place, or its readers pointed to another value. */
export type Change = { readonly put: readonly Node[] } | { readonly readInstead: string };

/** Looks at one node and says what should stand in its place, or nothing. Nodes no longer read vanish by themselves. */
export type Rule = (node: Node, view: View) => Change | undefined;

/** Rules that never come to rest are a defect, not a reason to hang. */
const MAX_CHANGES = 100_000;

/** Applies rules, the first that fits at the first node that it fits, until none does. */
export function rewrite(graph: Graph, rules: readonly Rule[]): Graph {
  let current = withoutUnread(graph);
  for (let changes = 0; changes < MAX_CHANGES; changes++) {
    const next = firstChange(current, rules);
    if (!next) return current;
    current = withoutUnread(next);
  }
  throw new Error('the rewriting rules do not come to rest');
}

function firstChange(graph: Graph, rules: readonly Rule[]): Graph | undefined {
  const view = viewOf(graph);
  for (const [index, node] of graph.nodes.entries()) {
    for (const rule of rules) {
      const change = rule(node, view);
      if (change) return applied(graph, index, node, change);
    }
  }
  return undefined;
}

function applied(graph: Graph, index: number, node: Node, change: Change): Graph {
  if ('put' in change) return { ...graph, nodes: graph.nodes.toSpliced(index, 1, ...change.put) };
  const instead = (name: string) => (name === node.name ? change.readInstead : name);
  const nodes = graph.nodes.toSpliced(index, 1).map((other) => ({ ...other, inputs: other.inputs.map(instead) }));
  return { ...graph, nodes, output: instead(graph.output) };
}

/** Without the nodes whose value nobody reads. */
function withoutUnread(graph: Graph): Graph {
  const read = new Set([graph.output]);
  const nodes: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!read.has(node.name)) continue;
    nodes.push(node);
    for (const name of node.inputs) read.add(name);
  }
  return nodes.length === graph.nodes.length ? graph : { ...graph, nodes: nodes.reverse() };
}

export function viewOf(graph: Graph): View {
  const shapes = shapesOf(graph);
  const producers = new Map(graph.nodes.map((node) => [node.name, node]));
  const consumers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const name of node.inputs) consumers.set(name, [...(consumers.get(name) ?? []), node]);
  }
  const uses = (name: string) => (consumers.get(name)?.length ?? 0) + (graph.output === name ? 1 : 0);
  return {
    graph,
    shapes,
    producer: (name) => producers.get(name ?? ''),
    uses,
    onlyConsumer: (name) => (uses(name) === 1 ? consumers.get(name)?.[0] : undefined),
    shape: (name) => {
      const shape = shapes.get(name ?? '');
      if (!shape) throw new Error(`no value is named "${name}"`);
      return shape;
    },
  };
}

/** The first input; every op has one. */
export function inputOf({ name, inputs }: Pick<Node, 'name' | 'inputs'>): string {
  const [first] = inputs;
  if (first === undefined) throw new Error(`"${name}" reads nothing`);
  return first;
}
