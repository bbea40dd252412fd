import type { Observations } from './calibrate.ts';
import { type BiasMethod, correctBias } from './correct-bias.ts';
import { type IntegerOptions, type Prepared, toIntegers } from './pipeline.ts';
import type { QuantizedGraph } from './quantized-graph.ts';
import type { RangeMethod } from './ranges.ts';
import { tuneGrids } from './tune-grids.ts';

export interface Choice {
  readonly graph: QuantizedGraph;
  readonly ranges: RangeMethod;
  readonly bias: BiasMethod;
  readonly activationBits: 7 | 8;
  /** Signal-to-noise ratio of the output on calibration images. */
  readonly decibels: number;
}

const NOT_WEIGHTED: readonly RangeMethod[] = ['percentile'];
const WEIGHTED_TOO: readonly RangeMethod[] = ['weighted-mse', 'percentile'];
const BIAS_METHODS: readonly BiasMethod[] = ['none', 'analytic', 'empirical'];

/**
 * Quantizes in several ways and keeps the one whose output is nearest to float.
 * @param images the calibration images
 * @param score decibels of a network's output on some of them
 */
export function chooseIntegers(
  prepared: Prepared,
  observations: Observations,
  images: readonly Uint8Array[],
  options: Omit<IntegerOptions, 'ranges'>,
  score: (graph: QuantizedGraph) => number,
): Choice {
  const { activationBits } = options;
  const plain = (ranges: RangeMethod) => tuneGrids(toIntegers(prepared, observations, { ...options, ranges }), score);
  const tried = (graph: QuantizedGraph, ranges: RangeMethod, bias: BiasMethod): Choice => {
    const corrected = correctBias(graph, observations, images, bias);
    return { graph: corrected, ranges, bias, activationBits, decibels: score(corrected) };
  };
  const mse = plain('mse');
  const best = BIAS_METHODS.map((bias) => tried(mse, 'mse', bias)).reduce(better);
  const others = [...observations.values()].some(({ weighted }) => weighted) ? WEIGHTED_TOO : NOT_WEIGHTED;
  return others.map((ranges) => tried(plain(ranges), ranges, best.bias)).reduce(better, best);
}

/** Less than this is chance. */
const LEAST_GAIN_DECIBELS = 0.25;

const better = (a: Choice, b: Choice): Choice => (b.decibels > a.decibels + LEAST_GAIN_DECIBELS ? b : a);
