import type { Node } from '../graph/graph.ts';
import { inputOf, type Rule } from './rewrite.ts';

type ScaleShift = Extract<Node, { op: 'scale-shift' }>;
type Linear = Extract<Node, { op: 'conv' | 'dense' }>;

/** Value `index` of one number for all, or one a channel. */
export const each = (values: Float32Array, index: number): number => values[values.length === 1 ? 0 : index] ?? 0;

/** conv or dense, then scale-shift: scale multiplies the weights of an output channel; the bias is carried along. */
export const scaleShiftIntoLinearBefore: Rule = (node, view) => {
  const linear = view.producer(node.inputs[0]);
  if (node.op !== 'scale-shift' || !isLinear(linear) || view.uses(linear.name) !== 1) return undefined;
  const outputs = view.shape(node.name)[2];
  const weights = new Float32Array(linear.weights.length);
  for (let row = 0; row < weights.length; row += outputs) {
    for (let c = 0; c < outputs; c++) weights[row + c] = (linear.weights[row + c] ?? 0) * each(node.scale, c);
  }
  const bias = Float32Array.from({ length: outputs }, (_, c) => {
    return (linear.bias?.[c] ?? 0) * each(node.scale, c) + each(node.shift, c);
  });
  return { put: [{ ...linear, name: node.name, weights, bias }] };
};

/**
 * scale-shift, then conv or dense: scale multiplies the weights of an input channel, and the shift becomes bias. Not
 * exact for a shift before a padded convolution, whose zeros are not shifted.
 */
export const scaleShiftIntoLinearAfter: Rule = (node, view) => {
  const before = view.producer(node.inputs[0]);
  if (!isLinear(node) || before?.op !== 'scale-shift') return undefined;
  const padded = node.op === 'conv' && node.pads.some((pad) => pad > 0);
  if (padded && before.shift.some((value) => value !== 0)) return undefined;
  const outputs = view.shape(node.name)[2];
  const inputs = view.shape(node.inputs[0])[2];
  const groups = node.op === 'conv' ? node.groups : 1;
  const bias = Float32Array.from({ length: outputs }, (_, c) => node.bias?.[c] ?? 0);
  const weights = node.weights.map((weight, index) => {
    const output = index % outputs;
    const group = Math.floor(output / (outputs / groups));
    const channel = group * (inputs / groups) + (Math.floor(index / outputs) % (inputs / groups));
    bias[output] = (bias[output] ?? 0) + weight * each(before.shift, channel);
    return weight * each(before.scale, channel);
  });
  return { put: [{ ...node, inputs: [inputOf(before)], weights, bias }] };
};

export const scaleShiftTwice: Rule = (node, view) => {
  const before = view.producer(node.inputs[0]);
  if (node.op !== 'scale-shift' || before?.op !== 'scale-shift') return undefined;
  const length = Math.max(node.scale.length, node.shift.length, before.scale.length, before.shift.length);
  const scale = Float32Array.from({ length }, (_, c) => each(before.scale, c) * each(node.scale, c));
  const shift = Float32Array.from(
    { length },
    (_, c) => each(before.shift, c) * each(node.scale, c) + each(node.shift, c),
  );
  return { put: [{ ...node, inputs: before.inputs, scale, shift }] };
};

export const scaleShiftOfNothing: Rule = (node) =>
  node.op === 'scale-shift' && node.scale.every((v) => Math.abs(v - 1) < 1e-6) && node.shift.every((v) => v === 0)
    ? { readInstead: inputOf(node) }
    : undefined;

/** A mean over the map, or laying it out as a vector, may come first: then the scale-shift meets the dense layer. */
export const scaleShiftAfterReduction: Rule = (node, view) => {
  const before = view.producer(node.inputs[0]);
  if (node.op !== 'global-average-pool' && node.op !== 'flatten') return undefined;
  if (before?.op !== 'scale-shift' || view.uses(before.name) !== 1) return undefined;
  const [height, width, channels] = view.shape(before.name);
  const spread = (values: Float32Array) =>
    node.op === 'flatten' && values.length > 1
      ? Float32Array.from({ length: height * width * channels }, (_, index) => values[index % channels] ?? 0)
      : values;
  const reduced: Node = { ...node, name: `${node.name}:reduced`, inputs: before.inputs };
  const after = { ...before, name: node.name, inputs: [reduced.name] };
  return { put: [reduced, { ...after, scale: spread(before.scale), shift: spread(before.shift) }] };
};

/** (s · x) · y = s · (x · y) */
export const scaleAfterMul: Rule = (node, view) => {
  if (node.op !== 'mul') return undefined;
  const index = node.inputs.findIndex((name) => isScale(view.producer(name)) && view.uses(name) === 1);
  const scale = view.producer(node.inputs[index]);
  if (!isScale(scale)) return undefined;
  const product: Node = { ...node, name: `${node.name}:unscaled`, inputs: node.inputs.with(index, inputOf(scale)) };
  return { put: [product, { ...scale, name: node.name, inputs: [product.name] }] };
};

/** What could not be folded becomes a depthwise 1x1 convolution. */
export const scaleShiftAsDepthwise: Rule = (node, view) => {
  if (node.op !== 'scale-shift') return undefined;
  const channels = view.shape(node.name)[2];
  const { name, inputs } = node;
  const weights = Float32Array.from({ length: channels }, (_, c) => each(node.scale, c));
  const bias = Float32Array.from({ length: channels }, (_, c) => each(node.shift, c));
  return { put: [{ name, inputs, op: 'conv', ...POINTWISE, groups: channels, weights, bias }] };
};

/** The window of a 1x1 convolution. */
export const POINTWISE = { kernel: [1, 1], strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0] } as const;

function isLinear(node: Node | undefined): node is Linear {
  return node?.op === 'conv' || node?.op === 'dense';
}

function isScale(node: Node | undefined): node is ScaleShift {
  return node?.op === 'scale-shift' && node.shift.every((value) => value === 0);
}
