import { initialParameters } from '../architectures/initial-parameters.ts';
import type { Network } from '../architectures/network.ts';
import type { Moments } from './adamw.ts';
import type { NamedArrays } from './gradient-engine.ts';

/** All that the next step needs to know of those before. */
export interface TrainingState {
  /** Steps taken. */
  step: number;
  /** Sums over the images of the epoch that is under way. */
  running: { seen: number; loss: number; hits: number };
  readonly parameters: NamedArrays;
  readonly averaged: NamedArrays;
  readonly moments: Moments;
  best: Best | null;
}

/** The averaged parameters at the end of the epoch that did best in validation. */
export interface Best {
  /** From 1. */
  readonly epoch: number;
  readonly accuracy: number;
  readonly loss: number;
  readonly parameters: NamedArrays;
}

export function initialState(network: Network, seed: number): TrainingState {
  const parameters = initialParameters(network, seed);
  const zeros = () => {
    const trained = [...parameters].filter(([name]) => !/\/moving_(mean|variance)$/.test(name));
    return new Map(trained.map(([name, values]) => [name, new Float32Array(values.length)]));
  };
  return {
    step: 0,
    running: { seen: 0, loss: 0, hits: 0 },
    parameters,
    averaged: copyOf(parameters),
    moments: { first: zeros(), second: zeros() },
    best: null,
  };
}

export function copyOf(arrays: NamedArrays): Map<string, Float32Array> {
  return new Map([...arrays].map(([name, values]) => [name, values.slice()]));
}
