import type { Graph, Node, Shape } from '../graph/graph.ts';
import { shapesOf } from '../graph/shapes.ts';

/** Channels of values that must be scaled alike, as one number for each channel of each value. */
export interface ChannelClasses {
  /** Class of channel c of a value. */
  of(name: string, c: number): number;
  /** Whether a class has to stay as it is. */
  fixed(cls: number): boolean;
  readonly count: number;
}

/**
 * Which channels hang together when one is scaled: those that are added, pooled, joined or passed on. Scaling goes
 * through a ReLU (it is positively homogeneous) and ends in the weights of a convolution before or after. Where a
 * function is none of these, and at both ends of the network, a channel is fixed.
 */
export function channelClasses(graph: Graph): ChannelClasses {
  const shapes = shapesOf(graph);
  const bases = new Map<string, number>();
  let total = 0;
  for (const [name, shape] of shapes) {
    bases.set(name, total);
    total += shape[2];
  }
  const parents = Int32Array.from({ length: total + 1 }, (_, index) => index);
  /** All fixed channels are one class. */
  const FIXED = total;
  const root = (index: number): number => {
    let at = index;
    while (parents[at] !== at) {
      parents[at] = parents[parents[at] ?? at] ?? at;
      at = parents[at] ?? at;
    }
    return at;
  };
  const index = (name: string, c: number) => (bases.get(name) ?? 0) + c;
  const tie = (a: number, b: number) => {
    parents[root(a)] = root(b);
  };
  const fix = (name: string) => {
    for (let c = 0; c < (shapes.get(name)?.[2] ?? 0); c++) tie(index(name, c), FIXED);
  };
  fix(graph.input.name);
  fix(graph.output);
  for (const node of graph.nodes) {
    const ties = tiesOf(node, (name) => shapes.get(name) ?? [0, 0, 0]);
    if (ties === 'fixed') for (const name of [node.name, ...node.inputs]) fix(name);
    else for (const [name, from, to] of ties) tie(index(name, from), index(node.name, to));
    // A gate is a factor of its own.
    if (node.op === 'mul' && node.inputs[1] !== undefined) fix(node.inputs[1]);
  }
  return { of: (name, c) => root(index(name, c)), fixed: (cls) => cls === root(FIXED), count: total + 1 };
}

type Tie = readonly [input: string, from: number, to: number];

/** Which channels of the inputs are scaled with which channels of the output. */
function tiesOf(node: Node, shape: (name: string) => Shape): readonly Tie[] | 'fixed' {
  const channels = shape(node.name)[2];
  const straight = (name: string): Tie[] => Array.from({ length: channels }, (_, c) => [name, c, c]);
  const [first = '', second = ''] = node.inputs;
  switch (node.op) {
    case 'conv':
    case 'dense':
      return [];
    case 'activation': {
      const { activation } = node;
      const open = activation.kind === 'clip' && activation.high === Number.POSITIVE_INFINITY && activation.low === 0;
      return open || activation.kind === 'prelu' ? straight(first) : 'fixed';
    }
    case 'add':
      return [...straight(first), ...straight(second)];
    case 'mul':
    case 'max-pool':
    case 'average-pool':
    case 'global-average-pool':
      return straight(first);
    case 'concat': {
      let before = 0;
      return node.inputs.flatMap((name) => {
        const from = before;
        before += shape(name)[2];
        return Array.from({ length: shape(name)[2] }, (_, c): Tie => [name, c, from + c]);
      });
    }
    case 'flatten':
      return Array.from({ length: channels }, (_, element) => [first, element % shape(first)[2], element]);
    case 'pad':
      return Array.from({ length: shape(first)[2] }, (_, c) => [first, c, node.channels[0] + c]);
    case 'slice':
      return Array.from({ length: channels }, (_, c) => [first, node.start[2] + c * node.step[2], c]);
    default:
      return 'fixed';
  }
}
