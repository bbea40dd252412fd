import type { Graph, Node } from '../graph/graph.ts';
import { shapesOf } from '../graph/shapes.ts';
import type { Observations } from './calibrate.ts';
import { type ChannelClasses, channelClasses } from './channel-classes.ts';

/** No channel is scaled by more than this: one that was silent on the calibration images may not be on others. */
const LEAST_SCALE = 1 / 32;

/**
 * The same network with channels of like size (Nagel et al. 2019, cross-layer equalization, section 4.1): channel c of
 * a value is divided by s[c], in the weights that make it, and multiplied again in the weights that read it. One range
 * then suits all channels. s = size of the channel / size of the largest.
 */
export function equalize(graph: Graph, observations: Observations): Graph {
  const classes = channelClasses(graph);
  const scales = classScales(graph, classes, observations);
  const scaleOf = (name: string) => (c: number) => scales[classes.of(name, c)] ?? 1;
  const shapes = shapesOf(graph);
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
  return { ...graph, nodes };
}

/** One scale a class: that of its largest channel, each measured against the largest of its value. */
function classScales(graph: Graph, classes: ChannelClasses, observations: Observations): Float64Array {
  const sizes = new Float64Array(classes.count);
  for (const { name } of graph.nodes) {
    const channels = observations.get(name)?.sizes;
    if (!channels) continue;
    const largest = channels.reduce((a, b) => Math.max(a, b), 0);
    for (const [c, size] of channels.entries()) {
      const cls = classes.of(name, c);
      sizes[cls] = Math.max(sizes[cls] ?? 0, largest > 0 ? size / largest : 1);
    }
  }
  return sizes.map((size, cls) => (classes.fixed(cls) ? 1 : Math.max(size, LEAST_SCALE)));
}
