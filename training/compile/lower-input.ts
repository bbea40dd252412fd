import { type Graph, GraphError, type Node } from '../graph/graph.ts';
import { each, POINTWISE } from './fold-linear.ts';
import { viewOf } from './rewrite.ts';

type Conv = Extract<Node, { op: 'conv' }>;

/** value = pixel · scale[c] + offset[c], one a channel: what the graph's input is of an 8-bit picture. */
export interface Pixels {
  readonly scale: readonly number[];
  readonly offset: readonly number[];
}

/** The most channels that the first convolution reads. */
const MAX_CHANNELS = 4;

/**
 * Makes every reader of the input a plain convolution, which can read 8-bit pixels: scale-shifts go into `pixels`, a
 * dense layer over the whole picture becomes a convolution of one position, groups and dilation are spelled out.
 * Whatever else reads the input reads it through a 1x1 convolution by one, which costs it the eighth bit.
 * @throws GraphError where the input has more than four channels.
 */
export function lowerInput(graph: Graph, pixels: Pixels): { graph: Graph; pixels: Pixels } {
  const channels = graph.input.shape[2];
  if (channels > MAX_CHANNELS) {
    throw new GraphError(`The input has ${channels} channels; a picture has ${MAX_CHANNELS} at most.`);
  }
  const folded = scaleShiftIntoPixels(graph, pixels);
  return { graph: readByConvolutions(folded.graph, folded.pixels), pixels: folded.pixels };
}

function scaleShiftIntoPixels(graph: Graph, pixels: Pixels): { graph: Graph; pixels: Pixels } {
  const first = viewOf(graph).onlyConsumer(graph.input.name);
  if (first?.op !== 'scale-shift') return { graph, pixels };
  const scale = pixels.scale.map((value, c) => value * each(first.scale, c));
  const offset = pixels.offset.map((value, c) => value * each(first.scale, c) + each(first.shift, c));
  const input = graph.input.name;
  const nodes = graph.nodes
    .filter((node) => node !== first)
    .map((node) => ({ ...node, inputs: node.inputs.map((name) => (name === first.name ? input : name)) }));
  const output = graph.output === first.name ? input : graph.output;
  return scaleShiftIntoPixels({ ...graph, nodes, output }, { scale, offset });
}

function readByConvolutions(graph: Graph, pixels: Pixels): Graph {
  const view = viewOf(graph);
  const { name, shape } = graph.input;
  const through = `${name}:7bit`;
  let needsThrough = graph.output === name;
  const nodes = graph.nodes.map((node): Node => {
    const before = view.producer(node.inputs[0]);
    if (node.op === 'dense' && before?.op === 'flatten' && before.inputs[0] === name) {
      const window = { ...POINTWISE, kernel: [shape[0], shape[1]] as const };
      const { weights, bias } = node;
      return { name: node.name, inputs: before.inputs, op: 'conv', ...window, groups: 1, weights, bias };
    }
    if (!node.inputs.includes(name)) return node;
    if (node.op === 'conv' && (node.pads.every((pad) => pad === 0) || paddable(pixels))) return plain(node, shape[2]);
    if (node.op === 'flatten' && view.uses(node.name) === 1 && view.onlyConsumer(node.name)?.op === 'dense')
      return node;
    needsThrough = true;
    return { ...node, inputs: node.inputs.map((input) => (input === name ? through : input)) };
  });
  const output = graph.output === name ? through : graph.output;
  const read = new Set(nodes.flatMap((node) => node.inputs));
  const kept = nodes.filter((node) => read.has(node.name) || node.name === output);
  return { ...graph, nodes: needsThrough ? [unchanged(through, name, shape[2]), ...kept] : kept, output };
}

/** Whether the zeros around the input are pixels: the first convolution pads with the nearest one. */
function paddable({ scale, offset }: Pixels): boolean {
  return scale.every((value, c) => {
    const pixel = -(offset[c] ?? 0) / value;
    return pixel > -0.51 && pixel < 255.51;
  });
}

/** The same convolution in one group, without dilation: zeros stand where it had no weights. */
function plain(node: Conv, channels: number): Conv {
  const [dilationY, dilationX] = node.dilations;
  if (node.groups === 1 && dilationY === 1 && dilationX === 1) return node;
  const [kernelY, kernelX] = node.kernel;
  const kernel = [(kernelY - 1) * dilationY + 1, (kernelX - 1) * dilationX + 1] as const;
  const inGroup = channels / node.groups;
  const outputs = node.weights.length / (kernelY * kernelX * inGroup);
  const weights = new Float32Array(kernel[0] * kernel[1] * channels * outputs);
  for (const [index, weight] of node.weights.entries()) {
    const output = index % outputs;
    const c = Math.floor(index / outputs) % inGroup;
    const tap = Math.floor(index / outputs / inGroup);
    const [y, x] = [Math.floor(tap / kernelX) * dilationY, (tap % kernelX) * dilationX];
    const channel = Math.floor(output / (outputs / node.groups)) * inGroup + c;
    weights[((y * kernel[1] + x) * channels + channel) * outputs + output] = weight;
  }
  return { ...node, kernel, dilations: [1, 1], groups: 1, weights };
}

function unchanged(name: string, input: string, channels: number): Node {
  const weights = new Float32Array(channels * channels);
  for (let c = 0; c < channels; c++) weights[c * channels + c] = 1;
  return { name, inputs: [input], op: 'conv', ...POINTWISE, groups: 1, weights, bias: null };
}
