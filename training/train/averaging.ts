import type { NamedArrays } from './gradient-engine.ts';

/** Of batch norm's moving statistics, a step; the average over weights smooths them further. */
const STATISTICS_DECAY = 0.9;
const WEIGHTS_DECAY = 0.999;

/** Moves a batch norm's moving statistics towards those of a batch, in place. */
export function moveStatistics(parameters: NamedArrays, statistics: NamedArrays): void {
  for (const [name, batch] of statistics) blend(arrayOf(parameters, name), batch, STATISTICS_DECAY);
}

/**
 * Weight averaging (Polyak and Juditsky 1992, as an exponential mean): moves `averaged` towards `parameters`, in place,
 * moving statistics with them. In the first steps the mean forgets faster, so that it leaves the random beginning.
 * @param step from 0
 */
export function averageWeights(averaged: NamedArrays, parameters: NamedArrays, step: number): void {
  const decay = Math.min(WEIGHTS_DECAY, (1 + step) / (10 + step));
  for (const [name, values] of parameters) blend(arrayOf(averaged, name), values, decay);
}

function blend(kept: Float32Array, other: Float32Array, decay: number): void {
  for (let i = 0; i < kept.length; i++) kept[i] = decay * (kept[i] ?? 0) + (1 - decay) * (other[i] ?? 0);
}

function arrayOf(arrays: NamedArrays, name: string): Float32Array {
  const values = arrays.get(name);
  if (!values) throw new Error(`The network has no ${name}`);
  return values;
}
