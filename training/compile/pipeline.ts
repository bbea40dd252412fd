import { checkGraph } from '../graph/check.ts';
import { type Graph, GraphError } from '../graph/graph.ts';
import { chooseQuantizations, type Observations } from './calibrate.ts';
import { chooseKernels } from './choose-kernels.ts';
import { dropSoftmax, fold, foldRemainder, lowerOutput } from './fold.ts';
import { fuse } from './fuse.ts';
import type { FusedGraph } from './fused-graph.ts';
import { lowerInput, type Pixels } from './lower-input.ts';
import { type QuantizeOptions, quantize } from './quantize.ts';
import type { QuantizedGraph } from './quantized-graph.ts';
import type { RangeMethod } from './ranges.ts';

/** A network ready for calibration: the float graph as the program will compute it, and its layers. */
export interface Prepared {
  readonly graph: Graph;
  readonly fused: FusedGraph;
  /** What the graph's input is of a pixel. */
  readonly pixels: Pixels;
  /** Whether the network ended in a softmax, which the program leaves out. */
  readonly softmax: boolean;
}

interface Folding {
  readonly graph: Graph;
  readonly pixels: Pixels;
  readonly softmax: boolean;
}

/** In order. Each gives a graph of the same function, but for the softmax. */
const FLOAT_PASSES: readonly (readonly [name: string, pass: (state: Folding) => Folding])[] = [
  ['fold', (state) => ({ ...state, graph: fold(state.graph) })],
  ['drop-softmax', (state) => ({ ...state, ...dropSoftmax(state.graph) })],
  ['lower-output', (state) => ({ ...state, graph: lowerOutput(state.graph) })],
  ['lower-input', (state) => ({ ...state, ...lowerInput(state.graph, state.pixels) })],
  ['fold-remainder', (state) => ({ ...state, graph: foldRemainder(state.graph) })],
];

/** @throws GraphError naming the pass where the network cannot be compiled, Error where a pass breaks the graph. */
export function prepare(graph: Graph, pixels: Pixels): Prepared {
  let state: Folding = { graph, pixels, softmax: false };
  for (const [name, pass] of FLOAT_PASSES) {
    state = named(name, () => {
      const next = pass(state);
      checkGraph(next.graph);
      return next;
    });
  }
  return { ...state, fused: named('fuse', () => fuse(state.graph)) };
}

export interface IntegerOptions extends QuantizeOptions {
  readonly ranges: RangeMethod;
  /** What a value is stored in, where its kernels can: those for 8 are slower. */
  readonly activationBits: 7 | 8;
}

/** The integer passes up to where only measurements help; `correct-bias.ts` may follow, and places in memory (`pack.ts`). */
export function toIntegers(prepared: Prepared, observations: Observations, options: IntegerOptions): QuantizedGraph {
  const { fused, pixels } = prepared;
  const grids = named('calibrate', () =>
    chooseQuantizations(fused, observations, options.ranges, options.activationBits),
  );
  const quantized = named('quantize', () => quantize(fused, pixels, grids, options));
  return named('choose-kernels', () => chooseKernels(quantized));
}

function named<T>(pass: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    const what = `${error instanceof Error ? error.message : error} (pass ${pass})`;
    throw error instanceof GraphError ? new GraphError(what, { cause: error }) : new Error(what, { cause: error });
  }
}
