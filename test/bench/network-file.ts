import type { FusedGraph } from '../../training/compile/fused-graph.ts';

/**
 * A float network as two buffers, for a place without files: JSON in which each array of numbers is `{at, length}`,
 * and all the numbers behind each other as float32.
 */
export function packNetwork(fused: FusedGraph): { json: string; numbers: Float32Array } {
  const arrays: Float32Array[] = [];
  let at = 0;
  const json = JSON.stringify({ ...fused, shapes: [...fused.shapes] }, (_key, value) => {
    if (value === Number.POSITIVE_INFINITY) return 'Infinity';
    if (!(value instanceof Float32Array)) return value;
    arrays.push(value);
    at += value.length;
    return { at: at - value.length, length: value.length };
  });
  const numbers = new Float32Array(at);
  let filled = 0;
  for (const array of arrays) {
    numbers.set(array, filled);
    filled += array.length;
  }
  return { json, numbers };
}

export function unpackNetwork(json: string, numbers: Float32Array): FusedGraph {
  const fused = JSON.parse(json, (_key, value) => {
    if (value === 'Infinity') return Number.POSITIVE_INFINITY;
    return typeof value?.at === 'number' ? numbers.subarray(value.at, value.at + value.length) : value;
  });
  return { ...fused, shapes: new Map(fused.shapes) };
}
