import { memoryBytes } from '../../functions/runtime/int8/engine.ts';
import type { Graph } from '../graph/graph.ts';
import { chooseKernels, isWinogradWindow } from './choose-kernels.ts';
import type { FusedGraph } from './fused-graph.ts';
import { place } from './pack.ts';
import { prepare } from './pipeline.ts';
import { type QuantizeOptions, quantize, type Rounding } from './quantize.ts';
import { quantizationOf } from './ranges.ts';
import { CountedBlock } from './weights-block.ts';

/** Bytes that a network takes while it is loaded. */
export interface Footprint {
  readonly weights: number;
  readonly arena: number;
  /** Of the one WebAssembly memory. */
  readonly total: number;
}

/** Grids decide no place; every value is taken to lie here. */
const GRID = quantizationOf(0, 6);

/** Arrays of the right lengths, none of whose pages is touched. */
const UNROUNDED: Rounding = {
  int8: (weights, outputs) => ({ weights: new Int8Array(weights.length), scales: new Float32Array(outputs).fill(1) }),
  int4: (weights, outputs, group) => ({
    weights: new Int8Array(weights.length),
    scales: new Float32Array(outputs).fill(1),
    groupScales: new Float32Array(Math.ceil(weights.length / outputs / group) * outputs),
  }),
};

/**
 * What a compiled network will take, from its shapes alone: nothing is calibrated, no weight is looked at. 3x3
 * convolutions are taken to be able to run in Winograd's form and in form w4 both, which may differ by some scratch.
 * @throws GraphError where it cannot be compiled
 */
export function footprint(graph: Graph, options: QuantizeOptions): Footprint {
  const channels = graph.input.shape[2];
  const pixels = { scale: new Array<number>(channels).fill(1), offset: new Array<number>(channels).fill(-128) };
  const prepared = prepare(graph, pixels);
  const quantized = quantize(prepared.fused, prepared.pixels, gridsOf(prepared.fused), options, UNROUNDED);
  const block = new CountedBlock();
  const { program } = place(
    chooseKernels(quantized, (conv) => (isWinogradWindow(conv) ? [0, 1, 2] : [0, 1])),
    block,
  );
  return { weights: program.weightsBytes, arena: program.arenaBytes, total: memoryBytes(program) };
}

const gridsOf = ({ input, layers }: FusedGraph) =>
  new Map([input.name, ...layers.map(({ name }) => name)].map((name) => [name, GRID]));
