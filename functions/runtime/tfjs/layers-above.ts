import type { SymbolicTensor } from '@tensorflow/tfjs-layers';

/** The value itself, or the one that goes into the layers of such kinds that made it. */
export function above(value: SymbolicTensor | null, kinds: readonly string[]): SymbolicTensor | null {
  let at = value;
  while (at?.sourceLayer && kinds.includes(at.sourceLayer.getClassName())) at = inputOf(at);
  return at;
}

export const inputOf = (value: SymbolicTensor): SymbolicTensor | null => value.inputs[0] ?? null;
