import { flattenDims, permutation, resolveDims, sliceRange, squeezeDims, unsqueezeDims } from './rearrange.ts';
import type { Step } from './step.ts';
import { broadcastDims, broadcastStrides, picked, stridesOf } from './strides.ts';
import { type Constant, constant, integers, isInteger, size } from './tensor.ts';

/** Ops on constants alone: what exporters write around shapes and weights. One output each. */
const FOLDS: Readonly<Record<string, (step: Step) => Constant>> = {
  Identity: (step) => step.constant(0),
  Dropout: (step) => step.constant(0),
  Constant: literal,
  ConstantOfShape: (step) => {
    const fill = step.tensor('value');
    const dims = Array.from(step.constant(0).values);
    const values = new Float64Array(size(dims, `"${step.output}"`)).fill(fill?.values[0] ?? 0);
    return typed(dims, values, fill?.integer ?? false);
  },
  Cast: (step) => {
    const input = step.constant(0);
    const integer = isInteger(step.int('to', 1));
    return typed(input.dims, integer ? Float64Array.from(input.values, Math.trunc) : input.values, integer);
  },
  Size: (step) => integers([step.constant(0).values.length]),
  Range: (step) => {
    const [start = 0, limit = 0, delta = 1] = [0, 1, 2].map((i) => step.constant(i).values[0]);
    const count = Math.max(0, Math.ceil((limit - start) / delta));
    const values = Float64Array.from({ length: size([count], `"${step.output}"`) }, (_, i) => start + i * delta);
    return typed([count], values, step.constant(0).integer);
  },
  Reshape: (step) => redim(step, (input) => resolveDims(step, Array.from(step.constant(1).values), input.dims)),
  Flatten: (step) => redim(step, (input) => flattenDims(step, input.dims)),
  Squeeze: (step) => redim(step, (input) => squeezeDims(step, input.dims)),
  Unsqueeze: (step) => redim(step, (input) => unsqueezeDims(step, input.dims)),
  Transpose: (step) => {
    const input = step.constant(0);
    const order = permutation(step, input.dims.length);
    const strides = stridesOf(input.dims);
    const dims = order.map((dim) => input.dims[dim] ?? 1);
    return picked(
      input,
      dims,
      order.map((dim) => strides[dim] ?? 0),
    );
  },
  Expand: (step) => {
    const input = step.constant(0);
    const dims = broadcastDims(step, input.dims, Array.from(step.constant(1).values));
    return picked(input, dims, broadcastStrides(input.dims, dims));
  },
  Slice: (step) => {
    const input = step.constant(0);
    const strides = stridesOf(input.dims);
    const starts = step.list('starts', 1) ?? [];
    const ends = step.list('ends', 2) ?? [];
    const axes = step.list('axes', 3) ?? starts.map((_, i) => i);
    const steps = step.constantOr(4)?.values ?? starts.map(() => 1);
    const dims = [...input.dims];
    let base = 0;
    axes.forEach((given, i) => {
      const axis = step.axis(given, input.dims.length);
      const range = sliceRange(input.dims[axis] ?? 0, starts[i] ?? 0, ends[i] ?? 0, steps[i] ?? 1);
      base += range.start * (strides[axis] ?? 0);
      dims[axis] = range.count;
      strides[axis] = (strides[axis] ?? 0) * range.step;
    });
    return picked(input, dims, strides, base);
  },
  Gather: (step) => {
    const [input, indices] = [step.constant(0), step.constant(1)];
    const axis = step.axis(step.int('axis', 0), input.dims.length);
    const length = input.dims[axis] ?? 0;
    const parts = Array.from(indices.values, (index) => step.axis(index, length));
    const inner = input.dims.slice(axis + 1).reduce((a, b) => a * b, 1);
    const outer = input.dims.slice(0, axis).reduce((a, b) => a * b, 1);
    const at = Array.from({ length: outer }, (_, o) => parts.map((part) => (o * length + part) * inner)).flat();
    const values = Float64Array.from(at.flatMap((from) => Array.from(input.values.subarray(from, from + inner))));
    return typed([...input.dims.slice(0, axis), ...indices.dims, ...input.dims.slice(axis + 1)], values, input.integer);
  },
  Concat: (step) => {
    const inputs = step.node.inputs.map((_, i) => step.constant(i));
    const dims = inputs[0]?.dims ?? [];
    const axis = step.axis(step.int('axis', 0), dims.length);
    const outer = dims.slice(0, axis).reduce((a, b) => a * b, 1);
    const values: number[] = [];
    for (let o = 0; o < outer; o++)
      for (const { values: from } of inputs) {
        const length = from.length / outer;
        for (let i = o * length; i < (o + 1) * length; i++) values.push(from[i] ?? 0);
      }
    const total = inputs.reduce((sum, input) => sum + (input.dims[axis] ?? 0), 0);
    return typed(dims.with(axis, total), Float64Array.from(values), inputs[0]?.integer ?? false);
  },
  Where: (step) => {
    const [condition, yes, no] = [step.constant(0), step.constant(1), step.constant(2)];
    const dims = broadcastDims(step, broadcastDims(step, condition.dims, yes.dims), no.dims);
    const [test, then, otherwise] = [condition, yes, no].map((input) => broadcast(input, dims));
    const values = Float64Array.from(test ?? [], (value, i) => (value ? then?.[i] : otherwise?.[i]) ?? 0);
    return typed(dims, values, yes.integer);
  },
  ReduceProd: (step) => {
    const input = step.constant(0);
    if (input.dims.length !== 1) step.fail(`reduces a constant [${input.dims}]; a list is read`);
    const product = Array.from(input.values).reduce((a, b) => a * b, 1);
    return typed(step.int('keepdims', 1) === 1 ? [1] : [], Float64Array.of(product), input.integer);
  },
  DequantizeLinear: (step) => {
    const [input, scale, zero] = [step.constant(0), step.constant(1), step.constantOr(2)];
    const axis = scale.values.length > 1 ? step.axis(step.int('axis', 1), input.dims.length) : 0;
    const inner = input.dims.slice(axis + 1).reduce((a, b) => a * b, 1);
    const length = scale.values.length > 1 ? (input.dims[axis] ?? 1) : 1;
    const values = Float32Array.from(input.values, (value, i) => {
      const at = Math.floor(i / inner) % length;
      return (value - (zero?.values[at] ?? 0)) * (scale.values[at] ?? 1);
    });
    return constant(input.dims, values, false);
  },
  ...mapped({
    Sqrt: Math.sqrt,
    Neg: (x) => -x,
    Reciprocal: (x) => 1 / x,
    Exp: Math.exp,
    Floor: Math.floor,
    Ceil: Math.ceil,
    Abs: Math.abs,
    Not: (x) => (x ? 0 : 1),
  }),
  ...paired({
    Add: (a, b) => a + b,
    Sub: (a, b) => a - b,
    Mul: (a, b) => a * b,
    Div: (a, b, integer) => (integer ? Math.trunc(a / b) : a / b),
    Pow: (a, b) => a ** b,
    Min: (a, b) => Math.min(a, b),
    Max: (a, b) => Math.max(a, b),
    Mod: (a, b) => a - b * Math.floor(a / b),
    Equal: (a, b) => (a === b ? 1 : 0),
    Less: (a, b) => (a < b ? 1 : 0),
    Greater: (a, b) => (a > b ? 1 : 0),
    And: (a, b) => (a && b ? 1 : 0),
    Or: (a, b) => (a || b ? 1 : 0),
  }),
};

/** @returns the constant that a node with constant inputs stands for, or null where the op is not one of these. */
export function fold(step: Step): Constant | null {
  return Object.hasOwn(FOLDS, step.node.op) ? (FOLDS[step.node.op]?.(step) ?? null) : null;
}

function literal(step: Step): Constant {
  const { attributes } = step.node;
  const tensor = step.tensor('value');
  if (tensor) return tensor;
  const floats = attributes.get('value_floats')?.floats;
  if (floats) return constant([floats.length], Float32Array.from(floats), false);
  const ints = attributes.get('value_ints')?.ints;
  if (ints) return integers(ints);
  const float = attributes.get('value_float')?.float;
  if (float !== undefined) return constant([], Float32Array.of(float), false);
  const int = attributes.get('value_int')?.int;
  if (int !== undefined) return constant([], Float64Array.of(int), true);
  return step.fail('has a value that is neither a tensor nor a number');
}

const broadcast = (input: Constant, dims: readonly number[]) =>
  picked(input, dims, broadcastStrides(input.dims, dims)).values;

const redim = (step: Step, dims: (input: Constant) => number[]): Constant => {
  const input = step.constant(0);
  return { ...input, dims: dims(input) };
};

const typed = (dims: readonly number[], values: Float32Array | Float64Array, integer: boolean): Constant =>
  constant(dims, integer ? Float64Array.from(values) : Float32Array.from(values), integer);

function mapped(table: Record<string, (x: number) => number>): Record<string, (step: Step) => Constant> {
  const entry = (apply: (x: number) => number) => (step: Step) => {
    const input = step.constant(0);
    return typed(input.dims, Float64Array.from(input.values, apply), input.integer);
  };
  return Object.fromEntries(Object.entries(table).map(([op, apply]) => [op, entry(apply)]));
}

function paired(
  table: Record<string, (a: number, b: number, integer: boolean) => number>,
): Record<string, (step: Step) => Constant> {
  const entry = (apply: (a: number, b: number, integer: boolean) => number) => (step: Step) => {
    const [a, b] = [step.constant(0), step.constant(1)];
    const dims = broadcastDims(step, a.dims, b.dims);
    const right = broadcast(b, dims);
    const values = Float64Array.from(broadcast(a, dims), (value, i) => apply(value, right[i] ?? 0, a.integer));
    return typed(dims, values, a.integer);
  };
  return Object.fromEntries(Object.entries(table).map(([op, apply]) => [op, entry(apply)]));
}
