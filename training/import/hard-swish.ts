import type { Activation, Graph, Node, Operation } from '../graph/graph.ts';

/**
 * Exporters write hard-sigmoid and hard-swish (Howard et al. 2019, "Searching for MobileNetV3", section 5.2) as sums,
 * clips, products and quotients. This finds them again:
 * - clip(a·x + b, low, high) · p + q that runs from 0 to 1 → hard-sigmoid; also clip(a·x + b, 0, 1) by itself;
 * - x · hard-sigmoid(x; 1/6, 1/2), and x · clip(x + 3, 0, 6) · 1/6 → hard-swish.
 * What is left between has one reader only; the last node keeps its name.
 */
export function recogniseHardSwish(graph: Graph): Graph {
  const swishes = rewrite(graph, [scaledClip, unitClip, swish, swishThenScale]);
  return { ...graph, nodes: swishes };
}

type Find = (name: string) => Node | undefined;
type Rule = (node: Node, find: Find) => { operation: Operation; input: string } | null;

/** Applies the rules until none fits, and drops what nothing reads any more. */
function rewrite(graph: Graph, rules: readonly Rule[]): Node[] {
  let nodes = [...graph.nodes];
  for (const rule of rules) {
    const byName = new Map(nodes.map((node) => [node.name, node]));
    const readers = new Map<string, number>();
    for (const name of nodes.flatMap((node) => node.inputs)) readers.set(name, (readers.get(name) ?? 0) + 1);
    const only: Find = (name) => (readers.get(name) === 1 && name !== graph.output ? byName.get(name) : undefined);
    nodes = nodes.map((node) => {
      const found = rule(node, only);
      return found ? { name: node.name, inputs: [found.input], ...found.operation } : node;
    });
    nodes = reachable(nodes, graph.output);
  }
  return nodes;
}

function reachable(nodes: readonly Node[], output: string): Node[] {
  const read = new Set([output]);
  const kept = nodes.toReversed().filter((node) => {
    if (!read.has(node.name)) return false;
    for (const name of node.inputs) read.add(name);
    return true;
  });
  return kept.reverse();
}

const scaledClip: Rule = (node, find) => {
  const outer = affine(node);
  const inner = outer ? find(outer.input) : undefined;
  const bounds = clipOf(inner);
  const line = affine(find(inner?.inputs[0] ?? ''));
  if (!outer || !bounds || !line) return null;
  const low = bounds.low * outer.scale + outer.shift;
  const high = bounds.high * outer.scale + outer.shift;
  if (outer.scale <= 0 || !near(low, 0) || !near(high, 1)) return null;
  return sigmoid(line.input, outer.scale * line.scale, outer.scale * line.shift + outer.shift);
};

const unitClip: Rule = (node, find) => {
  const bounds = clipOf(node);
  const line = affine(find(node.inputs[0] ?? ''));
  if (!bounds || !line || !near(bounds.low, 0) || !near(bounds.high, 1)) return null;
  return sigmoid(line.input, line.scale, line.shift);
};

const swish: Rule = (node, find) => {
  if (node.op !== 'mul') return null;
  for (const [x, gate] of pairs(node)) {
    const activation = activationOf(find(gate));
    const isGate = activation?.kind === 'hard-sigmoid' && near(activation.alpha, 1 / 6) && near(activation.beta, 1 / 2);
    if (isGate && find(gate)?.inputs[0] === x) return hardSwish(x);
  }
  return null;
};

const swishThenScale: Rule = (node, find) => {
  const outer = affine(node);
  const product = outer ? find(outer.input) : undefined;
  if (!outer || product?.op !== 'mul' || !near(outer.scale, 1 / 6) || outer.shift !== 0) return null;
  for (const [x, gate] of pairs(product)) {
    const clipped = find(gate);
    const bounds = clipOf(clipped);
    const line = affine(find(clipped?.inputs[0] ?? ''));
    const shifted = line?.input === x && near(line.scale, 1) && near(line.shift, 3);
    if (shifted && bounds && near(bounds.low, 0) && near(bounds.high, 6)) return hardSwish(x);
  }
  return null;
};

function affine(node: Node | undefined): { input: string; scale: number; shift: number } | null {
  if (node?.op !== 'scale-shift' || node.scale.length !== 1 || node.shift.length !== 1) return null;
  return { input: node.inputs[0] ?? '', scale: node.scale[0] ?? 1, shift: node.shift[0] ?? 0 };
}

const activationOf = (node: Node | undefined): Activation | null =>
  node?.op === 'activation' ? node.activation : null;

function clipOf(node: Node | undefined): { low: number; high: number } | null {
  const activation = activationOf(node);
  return activation?.kind === 'clip' ? activation : null;
}

const pairs = ({ inputs: [a = '', b = ''] }: Node): [string, string][] => [
  [a, b],
  [b, a],
];
const near = (a: number, b: number): boolean => Math.abs(a - b) < 1e-5;
const sigmoid = (input: string, alpha: number, beta: number) => ({
  input,
  operation: { op: 'activation', activation: { kind: 'hard-sigmoid', alpha, beta } } as const,
});
const hardSwish = (input: string) => ({
  input,
  operation: { op: 'activation', activation: { kind: 'hard-swish' } } as const,
});
