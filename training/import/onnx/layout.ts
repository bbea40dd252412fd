import type { Shape } from '../../graph/graph.ts';

/** An axis of a feature map: 0 rows, 1 columns, 2 channels. */
type Axis = 0 | 1 | 2;

/**
 * A value of the ONNX graph that stands for a feature map `[height, width, channels]` of the float graph. ONNX sees
 * it as `dims`; `axes` tells of each of these which axes of the map it runs over, slowest first (axes of size 1 are
 * left out). So NCHW is `[[], [2], [0], [1]]`, and flattened `[[], [2, 0, 1]]`: Transpose, Reshape, Flatten and
 * Squeeze only rewrite this and cost nothing.
 */
export interface Feature {
  readonly kind: 'feature';
  readonly name: string;
  readonly shape: Shape;
  readonly dims: readonly number[];
  readonly axes: readonly (readonly Axis[])[];
  /** A vector that was flattened in ONNX's order: its element i is channel `order[i]`; null where that is i. */
  readonly order: Uint32Array | null;
}

/** The map as `[1, channels, height, width]`. */
export function asNchw(name: string, shape: Shape): Feature {
  const [height, width, channels] = shape;
  return laidOut(name, shape, [1, channels, height, width], [[], [2], [0], [1]]);
}

/** The map as `[1, height, width, channels]`. */
export function asNhwc(name: string, shape: Shape): Feature {
  return laidOut(name, shape, [1, ...shape], [[], [0], [1], [2]]);
}

export function laidOut(
  name: string,
  shape: Shape,
  dims: readonly number[],
  axes: readonly (readonly Axis[])[],
  order: Uint32Array | null = null,
): Feature {
  return {
    kind: 'feature',
    name,
    shape,
    dims,
    axes: axes.map((list) => list.filter((axis) => shape[axis] > 1)),
    order,
  };
}

/** Another map of the same shape, seen in the same way. */
export const alike = (feature: Feature, name: string): Feature => ({ ...feature, name });

export function isNchw({ dims, axes }: Feature): boolean {
  const runs: readonly (Axis | null)[] = [null, 2, 0, 1];
  return (
    dims.length === 4 && axes.every((list, dim) => list.length === 0 || (list.length === 1 && list[0] === runs[dim]))
  );
}

/** Are both seen in the same way, so that element meets element? */
export function sameLayout(a: Feature, b: Feature): boolean {
  return (
    JSON.stringify([a.shape, a.dims, a.axes]) === JSON.stringify([b.shape, b.dims, b.axes]) &&
    (a.order === b.order || (a.order !== null && b.order !== null && a.order.every((at, i) => at === b.order?.[i])))
  );
}

/** The dimension that runs over the channels and nothing else; −1 where none does. */
export function channelDim(feature: Feature): number {
  return feature.axes.findIndex((list) => list.length === 1 && list[0] === 2);
}

/** The one axis of the map that a dimension runs over, or null; one of size 1 is the axis that NCHW has there. */
export function axisAt({ axes, dims, shape }: Feature, dim: number): Axis | null {
  const list = axes[dim] ?? [];
  if (list.length > 0) return list.length === 1 ? (list[0] ?? null) : null;
  const usual = dims.length === 4 ? (([null, 2, 0, 1] as const)[dim] ?? null) : null;
  return usual !== null && shape[usual] === 1 ? usual : null;
}

/** @returns null where the new dims cut an axis of the map in pieces. */
export function reshaped(feature: Feature, dims: readonly number[]): Feature | null {
  const sequence = feature.axes.flat();
  const axes: Axis[][] = [];
  let next = 0;
  for (const dim of dims) {
    const list: Axis[] = [];
    let product = 1;
    while (product < dim) {
      const axis = sequence[next++];
      if (axis === undefined) return null;
      list.push(axis);
      product *= feature.shape[axis];
    }
    if (product !== dim) return null;
    axes.push(list);
  }
  return next === sequence.length ? { ...feature, dims, axes } : null;
}

export function transposed(feature: Feature, permutation: readonly number[]): Feature {
  return {
    ...feature,
    dims: permutation.map((dim) => feature.dims[dim] ?? 1),
    axes: permutation.map((dim) => feature.axes[dim] ?? []),
  };
}

/** For each element of the flattened value, in ONNX's order, its place in `[height][width][channels]`; null where equal. */
export function flattenedOrder({ axes, shape }: Feature): Uint32Array | null {
  const sequence = axes.flat();
  if (sequence.every((axis, i) => i === 0 || axis > (sequence[i - 1] ?? 0))) return null;
  const strides: Record<Axis, number> = { 0: shape[1] * shape[2], 1: shape[2], 2: 1 };
  let places: number[] = [0];
  for (const axis of sequence)
    places = places.flatMap((place) => Array.from({ length: shape[axis] }, (_, i) => place + i * strides[axis]));
  return Uint32Array.from(places);
}
