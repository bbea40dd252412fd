import type { Activation } from '../../graph/graph.ts';
import { type Feature, sameLayout } from './layout.ts';
import type { Step, Value } from './step.ts';
import { type Constant, size } from './tensor.ts';

/** Add, Sub, Mul, Div: with a constant a scale and a shift, else a node of two maps. */
export function arithmetic(step: Step): Feature {
  const [left, right] = [step.value(0), step.value(1)];
  if (!left || !right) step.fail('lacks an input');
  const { op } = step.node;
  if (right.kind === 'constant') {
    const [feature, values] = perChannel(step, step.feature(0), right);
    if (op === 'Mul') return scaleShift(step, feature, values, [0]);
    if (op === 'Div')
      return scaleShift(
        step,
        feature,
        values.map((value) => 1 / value),
        [0],
      );
    return scaleShift(step, feature, [1], op === 'Sub' ? values.map((value) => -value) : values);
  }
  if (left.kind === 'constant') {
    const [feature, values] = perChannel(step, right, left);
    if (op === 'Mul') return scaleShift(step, feature, values, [0]);
    if (op === 'Div') step.fail('divides a constant by a feature map, which no engine here has');
    return scaleShift(step, feature, [op === 'Sub' ? -1 : 1], values);
  }
  if (op === 'Div') step.fail('divides a feature map by another, which no engine here has');
  return join(step, left, right);
}

function join(step: Step, left: Feature, right: Feature): Feature {
  const { op } = step.node;
  if (op === 'Mul' && !sameLayout(left, right)) {
    if (gates(left, right)) return step.emitAlike({ op: 'mul' }, left, [right]);
    if (gates(right, left)) return step.emitAlike({ op: 'mul' }, right, [left]);
  }
  if (!sameLayout(left, right))
    step.fail(
      `joins [${left.dims.join(', ')}] and [${right.dims.join(', ')}]; only equal shapes are read, and a product with [1, channels, 1, 1]`,
    );
  if (op !== 'Sub') return step.emitAlike({ op: op === 'Mul' ? 'mul' : 'add' }, left, [right]);
  const negative = step.emitAlike(scaling([-1], [0]), right, [], 'negative');
  return step.emitAlike({ op: 'add' }, left, [negative]);
}

/** Does `gate` hold one number a channel of `map`? */
function gates(map: Feature, gate: Feature): boolean {
  const channels = map.axes.findIndex((list) => list.includes(2));
  return (
    gate.shape[0] === 1 &&
    gate.shape[1] === 1 &&
    gate.shape[2] === map.shape[2] &&
    gate.order === null &&
    map.order === null &&
    gate.dims.length === map.dims.length &&
    gate.dims.every((dim, i) => dim === (i === channels ? map.dims[i] : 1))
  );
}

/**
 * A constant against a map, one number or one a channel, and the map flattened where the constant runs over all of it.
 * @returns values in the order of the channels.
 */
export function perChannel(step: Step, map: Feature, other: Constant): [feature: Feature, values: number[]] {
  if (other.values.length === 1 && other.dims.length <= map.dims.length) return [map, [other.values[0] ?? 0]];
  const dims = [...Array(Math.max(0, map.dims.length - other.dims.length)).fill(1), ...other.dims];
  const runs = dims.flatMap((dim, i) => (dim === 1 ? [] : [i]));
  const [run = -1] = runs;
  const axes = map.axes[run] ?? [];
  if (runs.length !== 1 || dims.length !== map.dims.length || dims[run] !== map.dims[run])
    step.fail(`joins [${map.dims}] with a constant [${other.dims}]; one number, or one a channel, is read`);
  const feature = axes.length === 1 && axes[0] === 2 ? map : step.vector(map);
  const values = new Array<number>(other.values.length);
  other.values.forEach((value, i) => {
    values[feature.order?.[i] ?? i] = value;
  });
  return [feature, values];
}

/** Batch normalization at inference (Ioffe and Szegedy 2015, algorithm 2). */
export function batchNormalization(step: Step): Feature {
  if (step.int('training_mode', 0) === 1) step.fail('is in training mode: export the network for inference');
  const input = step.feature(0);
  const [scale, shift, mean, variance] = [1, 2, 3, 4].map((i) => {
    const values = step.constant(i);
    const dims = input.dims.map((_, axis) => (axis === 1 ? size(values.dims, step.output) : 1));
    return perChannel(step, input, { ...values, dims });
  });
  if (!scale || !shift || !mean || !variance) step.fail('lacks an input');
  const epsilon = step.float('epsilon', 1e-5);
  const at = ([, values]: [Feature, number[]], i: number) => values[values.length === 1 ? 0 : i] ?? 0;
  const factors = scale[1].map((_, i) => at(scale, i) / Math.sqrt(at(variance, i) + epsilon));
  return scaleShift(
    step,
    scale[0],
    factors,
    factors.map((factor, i) => at(shift, i) - at(mean, i) * factor),
  );
}

export function activation(step: Step, kind: Activation): Feature {
  return step.emitAlike({ op: 'activation', activation: kind }, step.feature(0));
}

export function clip(step: Step): Feature {
  const bound = (name: string, input: number, otherwise: number) =>
    step.node.attributes.get(name)?.float ?? step.constantOr(input)?.values[0] ?? otherwise;
  const [low, high] = [bound('min', 1, -Infinity), bound('max', 2, Infinity)];
  if (!(low <= high)) step.fail(`clips to ${low}…${high}`);
  return activation(step, { kind: 'clip', low, high });
}

/** Max and Min of a map and a number. */
export function extremum(step: Step): Feature {
  const values = step.node.inputs.map((_, i) => step.value(i));
  const feature = values.find((value): value is Feature => value?.kind === 'feature');
  const bound = values.find((value): value is Constant => isNumber(value));
  if (values.length !== 2 || !feature || !bound) step.fail('is read of a feature map and one number only');
  const [value = 0] = bound.values;
  const limits = step.node.op === 'Max' ? { low: value, high: Infinity } : { low: -Infinity, high: value };
  return step.emitAlike({ op: 'activation', activation: { kind: 'clip', ...limits } }, feature);
}

export function parametricRelu(step: Step): Feature {
  const [feature, slope] = perChannel(step, step.feature(0), step.constant(1));
  return step.emitAlike({ op: 'activation', activation: { kind: 'prelu', slope: Float32Array.from(slope) } }, feature);
}

const isNumber = (value: Value | undefined): value is Constant =>
  value?.kind === 'constant' && value.values.length === 1;

const scaling = (scale: readonly number[], shift: readonly number[]) =>
  ({ op: 'scale-shift', scale: Float32Array.from(scale), shift: Float32Array.from(shift) }) as const;

function scaleShift(step: Step, feature: Feature, scale: readonly number[], shift: readonly number[]): Feature {
  return step.emitAlike(scaling(scale, shift), feature);
}
