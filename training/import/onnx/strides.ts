import type { Step } from './step.ts';
import { type Constant, size } from './tensor.ts';

/** Elements from one index of a dimension to the next, densely packed. */
export function stridesOf(dims: readonly number[]): number[] {
  let stride = 1;
  return dims
    .toReversed()
    .map((dim) => {
      const own = stride;
      stride *= dim;
      return own;
    })
    .reverse();
}

/** Elements of a constant at `base + Σ index · stride`, densely packed in the order of `dims`. */
export function picked(input: Constant, dims: readonly number[], strides: readonly number[], base = 0): Constant {
  const count = size(dims, 'A constant');
  const values = input.integer ? new Float64Array(count) : new Float32Array(count);
  const index = dims.map(() => 0);
  let from = base;
  for (let to = 0; to < count; to++) {
    values[to] = input.values[from] ?? 0;
    for (let dim = dims.length - 1; dim >= 0; dim--) {
      const next = (index[dim] ?? 0) + 1;
      from += strides[dim] ?? 0;
      if (next < (dims[dim] ?? 1)) {
        index[dim] = next;
        break;
      }
      index[dim] = 0;
      from -= next * (strides[dim] ?? 0);
    }
  }
  return { ...input, dims, values };
}

/** NumPy's rule: dims are aligned at the end, and 1 gives way. */
export function broadcastDims(step: Step, a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [x, y] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1];
    if (x !== y && x !== 1 && y !== 1) step.fail(`joins the constants [${a}] and [${b}]`);
    return x === 1 ? y : x;
  });
}

export function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const strides = stridesOf(from);
  return to.map((_, i) => {
    const at = i - to.length + from.length;
    return (from[at] ?? 1) === 1 ? 0 : (strides[at] ?? 0);
  });
}
