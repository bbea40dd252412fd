import type { Activation, Node } from '../graph/graph.ts';
import { each } from './fold-linear.ts';
import { inputOf, type Rule, type View } from './rewrite.ts';

type ActivationNode = Extract<Node, { op: 'activation' }>;
type ClipNode = ActivationNode & { readonly activation: Extract<Activation, { kind: 'clip' }> };

/** Two clips are one; a clip that cannot change anything is none. */
export const clipOfClip: Rule = (node, view) => {
  if (!isClip(node)) return undefined;
  const { low, high } = node.activation;
  const before = view.producer(node.inputs[0]);
  if (high === Number.POSITIVE_INFINITY && low <= 0 && nonNegative(inputOf(node), view)) {
    return { readInstead: inputOf(node) };
  }
  if (!isClip(before)) return undefined;
  const within = (value: number) => Math.min(Math.max(value, low), high);
  const activation = {
    kind: 'clip',
    low: within(before.activation.low),
    high: within(before.activation.high),
  } as const;
  return { put: [{ ...node, inputs: before.inputs, activation }] };
};

/** min(max(s · x + t, 0), high), as exporters spell a hard sigmoid: high · hardSigmoid(x) with s / high, t / high. */
export const clipAsHardSigmoid: Rule = (node, view) => {
  const before = view.producer(node.inputs[0]);
  if (!isClip(node) || before?.op !== 'scale-shift' || view.uses(before.name) !== 1) return undefined;
  const { low, high } = node.activation;
  const one = before.scale.every((v) => v === before.scale[0]) && before.shift.every((v) => v === before.shift[0]);
  if (low !== 0 || !Number.isFinite(high) || !one || each(before.shift, 0) <= 0) return undefined;
  const activation: Activation = {
    kind: 'hard-sigmoid',
    alpha: each(before.scale, 0) / high,
    beta: each(before.shift, 0) / high,
  };
  const name = high === 1 ? node.name : `${node.name}:hard-sigmoid`;
  const sigmoid: Node = { name, inputs: before.inputs, op: 'activation', activation };
  if (high === 1) return { put: [sigmoid] };
  const scale = Float32Array.of(high);
  return { put: [sigmoid, { name: node.name, inputs: [name], op: 'scale-shift', scale, shift: Float32Array.of(0) }] };
};

/** x · hardSigmoid(x) with alpha 1/6 and beta 1/2 is hard-swish (Howard et al. 2019, section 5.2). */
export const mulAsHardSwish: Rule = (node, view) => {
  if (node.op !== 'mul') return undefined;
  const [first, second] = node.inputs;
  for (const [plain, gate] of [
    [first, view.producer(second)],
    [second, view.producer(first)],
  ] as const) {
    if (plain === undefined || gate?.op !== 'activation' || gate.activation.kind !== 'hard-sigmoid') continue;
    const { alpha, beta } = gate.activation;
    if (gate.inputs[0] !== plain || Math.abs(alpha - 1 / 6) > 1e-6 || Math.abs(beta - 1 / 2) > 1e-6) continue;
    return { put: [{ name: node.name, inputs: [plain], op: 'activation', activation: { kind: 'hard-swish' } }] };
  }
  return undefined;
};

/** max(clip(x)) = clip(max(x)): before the pool, the clip fuses into the layer that feeds it. */
export const clipBeforeMaxPool: Rule = (node, view) => {
  const pool = view.producer(node.inputs[0]);
  if (!isClip(node) || pool?.op !== 'max-pool' || view.uses(pool.name) !== 1) return undefined;
  const clip: Node = { ...node, name: `${node.name}:before-pool`, inputs: pool.inputs };
  return { put: [clip, { ...pool, name: node.name, inputs: [clip.name] }] };
};

/** A clip of a concatenation is one of each part. */
export const clipBeforeConcat: Rule = (node, view) => {
  const concat = view.producer(node.inputs[0]);
  if (!isClip(node) || concat?.op !== 'concat' || view.uses(concat.name) !== 1) return undefined;
  if (concat.inputs.some((name) => view.uses(name) !== 1)) return undefined;
  const clips = concat.inputs.map(
    (name, part): Node => ({ ...node, name: `${node.name}:part-${part}`, inputs: [name] }),
  );
  return { put: [...clips, { ...concat, name: node.name, inputs: clips.map((clip) => clip.name) }] };
};

/** An activation that is the same for all channels may come before the map is laid out as a vector. */
export const activationBeforeFlatten: Rule = (node, view) => {
  const flatten = view.producer(node.inputs[0]);
  if (node.op !== 'activation' || flatten?.op !== 'flatten' || view.uses(flatten.name) !== 1) return undefined;
  if (node.activation.kind === 'prelu' && node.activation.slope.length > 1) return undefined;
  const activation: Node = { ...node, name: `${node.name}:map`, inputs: flatten.inputs };
  return { put: [activation, { ...flatten, name: node.name, inputs: [activation.name] }] };
};

/** Whether a value cannot be negative, by what makes it. */
export function nonNegative(name: string, view: View): boolean {
  const node = view.producer(name);
  switch (node?.op) {
    case 'activation':
      return isClip(node) ? node.activation.low >= 0 : /sigmoid/.test(node.activation.kind);
    case 'max-pool':
    case 'average-pool':
    case 'global-average-pool':
    case 'lrn':
    case 'flatten':
    case 'pad':
    case 'slice':
    case 'concat':
    case 'add':
    case 'mul':
      return node.inputs.every((input) => nonNegative(input, view));
    case 'softmax':
      return true;
    default:
      return false;
  }
}

function isClip(node: Node | undefined): node is ClipNode {
  return node?.op === 'activation' && node.activation.kind === 'clip';
}
