import type { Graph, Node, Shape } from '../graph/graph.ts';
import { shapesOf } from '../graph/shapes.ts';
import type { Observations } from './calibrate.ts';
import { type ChannelClasses, channelClasses } from './channel-classes.ts';

/** No channel is scaled by more than this in one round: one that was nearly silent may not be on other images. */
const LEAST_SCALE = 1 / 32;
/** Scaling channels changes which of them are large beside others; a second time settles it. */
const ROUNDS = 2;

export interface Equalized {
  readonly graph: Graph;
  /** What each channel of a value was divided by. */
  scalesOf(name: string): Float64Array;
}

/**
 * The same network with channels of like size (Nagel et al. 2019, cross-layer equalization, section 4.1): channel c of
 * a value is divided by s[c], in the weights that make it, and multiplied again in the weights that read it. One range
 * then suits all channels. s = size of the channel / size of the largest.
 */
export function equalize(graph: Graph, observations: Observations): Equalized {
  const classes = channelClasses(graph);
  const shapes = shapesOf(graph);
  const scales = classScales(graph, shapes, classes, observations);
  const scaleOf = (name: string) => (c: number) => scales[classes.of(name, c)] ?? 1;
  const nodes = graph.nodes.map((node): Node => {
    if (node.op !== 'conv' && node.op !== 'dense') return node;
    const [input = ''] = node.inputs;
    const [outputs, inputs] = [shapes.get(node.name)?.[2] ?? 1, shapes.get(input)?.[2] ?? 1];
    const groups = node.op === 'conv' ? node.groups : 1;
    const [made, read] = [scaleOf(node.name), scaleOf(input)];
    const weights = node.weights.map((weight, index) => {
      const output = index % outputs;
      const inGroup = Math.floor(index / outputs) % (inputs / groups);
      const channel = Math.floor(output / (outputs / groups)) * (inputs / groups) + inGroup;
      return (weight * read(channel)) / made(output);
    });
    return { ...node, weights, bias: node.bias?.map((value, c) => value / made(c)) ?? null };
  });
  return {
    graph: { ...graph, nodes },
    scalesOf: (name) => Float64Array.from({ length: shapes.get(name)?.[2] ?? 0 }, (_, c) => scaleOf(name)(c)),
  };
}

/**
 * One scale a class: that of its largest channel, each measured against the largest of its value. Values of a single
 * position do not count: they show too little of a channel, and cost so little noise.
 */
function classScales(
  graph: Graph,
  shapes: ReadonlyMap<string, Shape>,
  classes: ChannelClasses,
  observations: Observations,
): Float64Array {
  const scales = new Float64Array(classes.count).fill(1);
  for (let round = 0; round < ROUNDS; round++) {
    const sizes = new Float64Array(classes.count);
    for (const { name } of graph.nodes) {
      const [height, width] = shapes.get(name) ?? [1, 1];
      const seen = observations.get(name)?.sizes;
      if (!seen || height * width === 1) continue;
      // A channel divided by s has a size of a fraction 1 / s.
      const scaled = seen.map((size, c) => size / (scales[classes.of(name, c)] ?? 1));
      const largest = scaled.reduce((a, b) => Math.max(a, b), 0);
      for (const [c, size] of scaled.entries()) {
        const cls = classes.of(name, c);
        sizes[cls] = Math.max(sizes[cls] ?? 0, largest > 0 ? size / largest : 0);
      }
    }
    for (const [cls, size] of sizes.entries()) {
      if (size > 0 && !classes.fixed(cls)) scales[cls] = (scales[cls] ?? 1) * Math.max(size, LEAST_SCALE);
    }
  }
  return scales;
}
