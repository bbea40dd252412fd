import type { Shape } from '../../graph/graph.ts';
import { axisAt, type Feature, laidOut, reshaped, transposed } from './layout.ts';
import type { Step } from './step.ts';
import { size } from './tensor.ts';

/** Reshape, Flatten, Squeeze and Unsqueeze of a map only change how ONNX sees it. */
export function reshape(step: Step, input: Feature, dims: readonly number[]): Feature {
  return (
    reshaped(input, dims) ??
    step.fail(
      `turns [${input.dims.join(', ')}] into [${dims.join(', ')}], which cuts the channels or the map in pieces (a channel shuffle, or attention); no engine here does that`,
    )
  );
}

/** The dims that a shape with 0 (keep) and −1 (what is left) stands for. */
export function resolveDims(step: Step, wanted: readonly number[], from: readonly number[]): number[] {
  const keep = step.int('allowzero', 0) === 0;
  const dims = wanted.map((dim, i) => (dim === 0 && keep ? (from[i] ?? 1) : dim));
  const total = size(from, `The input of "${step.output}"`);
  const rest = dims.filter((dim) => dim !== -1).reduce((a, b) => a * b, 1);
  const result = dims.map((dim) => (dim === -1 ? total / rest : dim));
  if (size(result, `"${step.output}"`) !== total) step.fail(`reshapes [${from.join(', ')}] to [${wanted.join(', ')}]`);
  return result;
}

export function flattenDims(step: Step, dims: readonly number[]): number[] {
  const at = step.int('axis', 1);
  const axis = at < 0 ? at + dims.length : at;
  const product = (list: readonly number[]) => list.reduce((a, b) => a * b, 1);
  return [product(dims.slice(0, axis)), product(dims.slice(axis))];
}

export function squeezeDims(step: Step, dims: readonly number[]): number[] {
  const axes = step.list('axes', 1)?.map((axis) => step.axis(axis, dims.length));
  return dims.filter((dim, i) => (axes ? !axes.includes(i) : dim !== 1));
}

export function unsqueezeDims(step: Step, dims: readonly number[]): number[] {
  const given = step.list('axes', 1) ?? step.fail('lacks its axes');
  const rank = dims.length + given.length;
  const axes = given.map((axis) => step.axis(axis, rank));
  const rest = [...dims];
  return Array.from({ length: rank }, (_, i) => (axes.includes(i) ? 1 : (rest.shift() ?? 1)));
}

export function permutation(step: Step, rank: number): number[] {
  return step.ints('perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
}

export function transpose(step: Step, input: Feature): Feature {
  return transposed(input, permutation(step, input.dims.length));
}

/** Along the channels; vectors that were flattened in another order bring it along. */
export function concat(step: Step): Feature {
  const inputs = step.node.inputs.map((_, i) => step.feature(i));
  const [first] = inputs;
  if (!first) step.fail('has no input');
  const axis = step.axis(step.int('axis', 1), first.dims.length);
  const along = inputs.map((input) => ((input.axes[axis]?.length ?? 0) > 1 ? step.vector(input) : input));
  const others = (input: Feature) => JSON.stringify(input.dims.with(axis, 0));
  const fits = along.every((input) => {
    const list = input.axes[axis] ?? [];
    return others(input) === others(first) && (list.length === 0 ? input.shape[2] === 1 : list[0] === 2);
  });
  if (!fits)
    step.fail(
      `joins ${inputs.map((input) => `[${input.dims}]`).join(', ')} along ${axis}; maps of one size are joined along their channels`,
    );
  const { name, shape } = step.emit({ op: 'concat' }, along);
  const longest = along.reduce((a, b) => (b.axes.flat().length > a.axes.flat().length ? b : a));
  const axes = longest.axes.map((list, i) => (i === axis ? ([2] as const) : list));
  return laidOut(name, shape, first.dims.with(axis, shape[2]), axes, joinedOrder(along));
}

function joinedOrder(inputs: readonly Feature[]): Uint32Array | null {
  if (inputs.every((input) => input.order === null)) return null;
  const order: number[] = [];
  for (const input of inputs) {
    const start = order.length;
    for (let i = 0; i < input.shape[2]; i++) order.push(start + (input.order?.[i] ?? i));
  }
  return Uint32Array.from(order);
}

/** Zeros around the map and its channels. */
export function pad(step: Step): Feature {
  const input = step.feature(0);
  const mode = step.text('mode', 'constant');
  const value = step.node.attributes.get('value')?.float ?? step.constantOr(2)?.values[0] ?? 0;
  const rank = input.dims.length;
  const given = step.list('pads', 1) ?? step.list('paddings', 1) ?? step.fail('lacks its pads');
  const axes = step.constantOr(3)?.values ?? Float64Array.from(input.dims, (_, i) => i);
  const pads: [before: number, after: number][] = input.dims.map(() => [0, 0]);
  axes.forEach((axis, i) => {
    pads[step.axis(axis, rank)] = [given[i] ?? 0, given[axes.length + i] ?? 0];
  });
  if (pads.every(([before, after]) => before === 0 && after === 0)) return input;
  if (mode !== 'constant' || value !== 0) step.fail(`pads with ${mode === 'constant' ? value : mode}; zeros are read`);
  const around: [number, number][] = [
    [0, 0],
    [0, 0],
    [0, 0],
  ];
  for (const [dim, [before, after]] of pads.entries()) {
    if (before === 0 && after === 0) continue;
    around[axisOf(step, input, dim)] = [before, after];
  }
  const [rows, columns, channels] = around;
  if (!rows || !columns || !channels) step.fail('has no pads');
  const { name, shape } = step.emit({ op: 'pad', pads: [rows[0], columns[0], rows[1], columns[1]], channels }, [input]);
  return resized(input, name, shape);
}

export function slice(step: Step): Feature {
  const input = step.feature(0);
  const starts = step.list('starts', 1) ?? step.fail('lacks its starts');
  const ends = step.list('ends', 2) ?? step.fail('lacks its ends');
  const axes = step.list('axes', 3) ?? starts.map((_, i) => i);
  const steps = step.constantOr(4)?.values ?? starts.map(() => 1);
  let [start, count, by]: [number[], number[], number[]] = [[0, 0, 0], [...input.shape], [1, 1, 1]];
  axes.forEach((given, i) => {
    const dim = step.axis(given, input.dims.length);
    const range = sliceRange(input.dims[dim] ?? 1, starts[i] ?? 0, ends[i] ?? 0, steps[i] ?? 1);
    if (range.count === input.dims[dim] && range.step === 1) return;
    if (range.step < 1) step.fail('slices backwards, which no engine here does');
    const axis = axisOf(step, input, dim);
    start = start.with(axis, range.start);
    count = count.with(axis, range.count);
    by = by.with(axis, range.step);
  });
  return cut(step, input, start, count, by);
}

/** One index, or ascending ones, along an axis of the map: a slice, without its dimension where the index is one number. */
export function gather(step: Step): Feature {
  const input = step.feature(0);
  const { values, dims } = step.constant(1);
  const dim = step.axis(step.int('axis', 0), input.dims.length);
  const indices = Array.from(values, (index) => step.axis(index, input.dims[dim] ?? 1));
  const [first = 0, second = first + 1] = indices;
  const by = second - first;
  if (dims.length > 1 || by < 1 || !indices.every((index, i) => index === first + i * by))
    step.fail(`takes the indices [${values}]; ascending ones at one distance are read`);
  const rest = input.dims.filter((_, i) => i !== dim || dims.length > 0);
  if (input.dims[dim] === 1) return reshape(step, input, rest);
  const axis = axisOf(step, input, dim);
  const size = [...input.shape].with(axis, indices.length);
  return reshape(
    step,
    cut(step, input, [0, 0, 0].with(axis, first), size, [1, 1, 1].with(axis, by)),
    rest.map((old, i) => (dims.length > 0 && i === dim ? indices.length : old)),
  );
}

/** Split along one axis of the map: a slice an output. */
export function split(step: Step): Feature[] {
  const input = step.feature(0);
  const dim = step.axis(step.int('axis', 0), input.dims.length);
  const parts = step.node.outputs.length;
  const total = input.dims[dim] ?? 1;
  const each = Math.ceil(total / parts);
  const sizes = step.list('split', 1) ?? step.node.outputs.map((_, i) => Math.min(each, total - i * each));
  const axis = axisOf(step, input, dim);
  let start = 0;
  return step.node.outputs.map((name, i) => {
    const from = start;
    start += sizes[i] ?? 0;
    const first = [0, 0, 0].with(axis, from);
    return cut(step, input, first, [...input.shape].with(axis, sizes[i] ?? 0), [1, 1, 1], name);
  });
}

/** Elements `start, start + step, …` of a dimension, with ONNX's negative and clamped indices. */
export function sliceRange(
  dim: number,
  start: number,
  end: number,
  step: number,
): { start: number; count: number; step: number } {
  const clamp = (index: number, low: number, high: number) =>
    Math.min(Math.max(index < 0 ? index + dim : index, low), high);
  const [first, last] =
    step > 0 ? [clamp(start, 0, dim), clamp(end, 0, dim)] : [clamp(start, 0, dim - 1), clamp(end, -1, dim - 1)];
  return { start: first, count: Math.max(0, Math.ceil((last - first) / step)), step };
}

function cut(step: Step, input: Feature, start: number[], count: number[], by: number[], name = step.output): Feature {
  const triple = ([a = 0, b = 0, c = 0]: number[]): Shape => [a, b, c];
  const operation = { op: 'slice', start: triple(start), size: triple(count), step: triple(by) } as const;
  const { shape } = step.emitNamed(name, operation, [input]);
  return resized(input, name, shape);
}

function axisOf(step: Step, input: Feature, dim: number): 0 | 1 | 2 {
  if (input.order) step.fail('takes a part of a flattened map, which no engine here does');
  return (
    axisAt(input, dim) ?? step.fail(`changes the dimension ${dim} of [${input.dims}], which is no axis of the map`)
  );
}

/** The same view of a map whose sizes have changed. */
function resized(input: Feature, name: string, shape: Shape): Feature {
  const axes = input.dims.map((_, dim) => axisAt(input, dim));
  return laidOut(
    name,
    shape,
    axes.map((axis, dim) => (axis === null ? (input.dims[dim] ?? 1) : shape[axis])),
    axes.map((axis, dim) => (axis === null ? (input.axes[dim] ?? []) : [axis])),
  );
}
