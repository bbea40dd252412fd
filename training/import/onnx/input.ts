import { GraphError, type Shape } from '../../graph/graph.ts';
import { asNchw, asNhwc, type Feature, laidOut } from './layout.ts';
import type { OnnxGraph, OnnxValueInfo } from './protobuf.ts';

type Size = readonly [height: number, width: number];

/**
 * The network's input as a map. Four dims are NCHW where the second can be colours (1…4), else NHWC; a vector of n²
 * numbers is a grey picture; the batch becomes 1.
 * @param size for height and width that the file leaves open.
 */
export function inputFeature({ name, dims }: OnnxValueInfo, size: Size | null): Feature {
  if (!dims) throw new GraphError(`The input "${name}" has no shape. Export the network with a static input shape.`);
  const shown = `[${dims.map((dim) => dim ?? '?').join(', ')}]`;
  if (dims.length === 4) {
    const nchw = isNchw(dims);
    const [channels, ...space] = nchw ? [dims[1], dims[2], dims[3]] : [dims[3], dims[1], dims[2]];
    const [height, width] = [space[0] ?? size?.[0], space[1] ?? size?.[1]];
    if (!channels) throw new GraphError(`The input "${name}" is ${shown}: its channels must be given.`);
    if (!height || !width)
      throw new GraphError(`The input "${name}" is ${shown} and leaves its size open: give it, as height and width.`);
    const shape: Shape = [height, width, channels];
    return nchw ? asNchw(name, shape) : asNhwc(name, shape);
  }
  const [, rows, columns] = dims;
  if (dims.length === 3 && rows && columns)
    return laidOut(name, [rows, columns, 1], [1, rows, columns], [[], [0], [1]]);
  const side = Math.sqrt(rows ?? 0);
  if (dims.length === 2 && rows && Number.isInteger(side))
    return laidOut(name, [side, side, 1], [1, rows], [[], [0, 1]]);
  throw new GraphError(
    `The input "${name}" is ${shown}, which is no picture: [batch, channels, height, width] is read.`,
  );
}

/**
 * Height and width to try for a network that leaves them open, a guess: nothing in the file says them. Most classifiers
 * were trained on 224x224. One that reduces its rows more than its columns reads lines of text: rows in steps of 16,
 * from the smallest that its pools allow, and √(reduction of rows / of columns) times as many columns, which gives
 * PP-OCR's 48x192.
 * @returns null where the file gives both.
 */
export function guessedSizes(graph: OnnxGraph): Size[] | null {
  const input = graph.inputs.find(({ name }) => !graph.initializers.some((tensor) => tensor.name === name));
  const dims = input?.dims;
  if (dims?.length !== 4) return null;
  const space = isNchw(dims) ? [dims[2], dims[3]] : [dims[1], dims[2]];
  if (space[0] && space[1]) return null;
  const given = space[0] ?? space[1];
  if (given) return [[given, given]];
  const [down, across] = reduction(graph);
  if (down <= across) return [[224, 224]];
  const aspect = Math.round(Math.sqrt(down / across));
  return Array.from({ length: 8 }, (_, i) => [(i + 1) * 16, (i + 1) * 16 * aspect]);
}

/** The product of the strides on the way to the smallest map. */
function reduction(graph: OnnxGraph): Size {
  const reached = new Map<string, Size>();
  let most: Size = [1, 1];
  for (const node of graph.nodes) {
    const [y = 1, x = 1] = node.attributes.get('strides')?.ints ?? [];
    const before = node.inputs.map((name) => reached.get(name) ?? ([1, 1] as const));
    const after: Size = [
      Math.max(1, ...before.map((size) => size[0])) * y,
      Math.max(1, ...before.map((size) => size[1])) * x,
    ];
    for (const name of node.outputs) reached.set(name, after);
    if (after[0] * after[1] > most[0] * most[1]) most = after;
  }
  return most;
}

/** Colours (1…4 channels) stand before the map, unless there are none and they stand after it. */
function isNchw([, first, second, third]: readonly (number | null)[]): boolean {
  return isColours(first) || isColours(second) || !isColours(third);
}

const isColours = (dim: number | null | undefined): boolean => typeof dim === 'number' && dim <= 4;
