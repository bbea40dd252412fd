import type { Observations } from './calibrate.ts';
import { type IntegerOptions, type Prepared, toIntegers } from './pipeline.ts';
import type { QuantizeOptions } from './quantize.ts';
import type { QuantizedGraph } from './quantized-graph.ts';

export interface Choice {
  readonly graph: QuantizedGraph;
  readonly options: IntegerOptions;
  /** Signal-to-noise ratio of the output on calibration images. */
  readonly decibels: number;
}

/**
 * Quantizes in several ways and keeps the one whose output is nearest to float: what helps one network harms another.
 * @param score decibels of a network's output on calibration images
 */
export function chooseIntegers(
  prepared: Prepared,
  observations: Observations,
  options: QuantizeOptions,
  score: (graph: QuantizedGraph) => number,
): Choice {
  const tried = (ranges: IntegerOptions['ranges'], correctBias: boolean): Choice => {
    const all = { ...options, ranges, correctBias };
    const graph = toIntegers(prepared, observations, all);
    return { graph, options: all, decibels: score(graph) };
  };
  const plain = better(tried('mse', false), tried('mse', true));
  return better(plain, tried('percentile', plain.options.correctBias));
}

const better = (a: Choice, b: Choice): Choice => (b.decibels > a.decibels ? b : a);
