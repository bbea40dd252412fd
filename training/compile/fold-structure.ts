import type { Node, Pads } from '../graph/graph.ts';
import { nonNegative } from './fold-activations.ts';
import { inputOf, type Rule } from './rewrite.ts';

const isZero = (values: readonly number[]) => values.every((value) => value === 0);
const sum = (a: Pads, b: Pads): Pads => [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]];

/** Zeros around a map are what a convolution pads by itself. */
export const padIntoConv: Rule = (node, view) => {
  const pad = view.producer(node.inputs[0]);
  if (node.op !== 'conv' || pad?.op !== 'pad' || !isZero(pad.channels)) return undefined;
  return { put: [{ ...node, inputs: pad.inputs, pads: sum(node.pads, pad.pads) }] };
};

/**
 * Into a max-pool, whose padding never wins: exact where the map has no negative value, so that zeros never win
 * either, and no window lies in the zeros alone. Into an average-pool that counts what it pads.
 */
export const padIntoPool: Rule = (node, view) => {
  const pad = view.producer(node.inputs[0]);
  if ((node.op !== 'max-pool' && node.op !== 'average-pool') || pad?.op !== 'pad' || !isZero(pad.channels))
    return undefined;
  const pads = sum(node.pads, pad.pads);
  const [height, width] = view.shape(pad.inputs[0]);
  const reaches = [height, width].every((size, axis) => {
    const last = ((node.output[axis] ?? 1) - 1) * (node.strides[axis] ?? 1) - (pads[axis] ?? 0);
    return (pads[axis] ?? 0) < (node.kernel[axis] ?? 1) && last < size;
  });
  if (!reaches) return undefined;
  if (node.op === 'max-pool') {
    return nonNegative(inputOf(pad), view) ? { put: [{ ...node, inputs: pad.inputs, pads }] } : undefined;
  }
  return node.countPads || isZero(node.pads)
    ? { put: [{ ...node, inputs: pad.inputs, pads, countPads: true }] }
    : undefined;
};

export const padTwice: Rule = (node, view) => {
  const before = view.producer(node.inputs[0]);
  if (node.op !== 'pad' || before?.op !== 'pad') return undefined;
  const channels = [node.channels[0] + before.channels[0], node.channels[1] + before.channels[1]] as const;
  return { put: [{ ...node, inputs: before.inputs, pads: sum(node.pads, before.pads), channels }] };
};

/** Nodes that only rename: a pad by nothing, a slice of all, the concatenation of one, a vector as a vector. */
export const nothing: Rule = (node, view) => {
  const [height, width, channels] = view.shape(node.inputs[0]);
  const idle =
    (node.op === 'pad' && isZero(node.pads) && isZero(node.channels)) ||
    (node.op === 'slice' && node.size[0] === height && node.size[1] === width && node.size[2] === channels) ||
    (node.op === 'concat' && node.inputs.length === 1) ||
    (node.op === 'flatten' && height === 1 && width === 1) ||
    ((node.op === 'max-pool' || node.op === 'average-pool') &&
      [...node.kernel, ...node.strides].every((size) => size === 1) &&
      isZero(node.pads) &&
      node.output[0] === height &&
      node.output[1] === width);
  return idle ? { readInstead: inputOf(node) } : undefined;
};

/** An average over one window that is the whole map. */
export const averageOfAll: Rule = (node, view) => {
  if (node.op !== 'average-pool' || node.output[0] !== 1 || node.output[1] !== 1 || !isZero(node.pads))
    return undefined;
  const [height, width] = view.shape(node.inputs[0]);
  if (node.kernel[0] !== height || node.kernel[1] !== width) return undefined;
  return { put: [{ name: node.name, inputs: node.inputs, op: 'global-average-pool' }] };
};

/** A mean over one pixel is that pixel. */
export const averageOfOne: Rule = (node, view) => {
  const [height, width] = view.shape(node.inputs[0]);
  return node.op === 'global-average-pool' && height * width === 1 ? { readInstead: inputOf(node) } : undefined;
};

/** The same layout twice. */
export const flattenTwice: Rule = (node, view) => {
  const before: Node | undefined = view.producer(node.inputs[0]);
  return node.op === 'flatten' && before?.op === 'flatten' ? { readInstead: before.name } : undefined;
};
