import {
  convFirstScratchBytes,
  convFirstWeightsBytes,
  convScratchBytes,
  convWeightsBytes,
  denseInt4ScalesBytes,
  denseInt4WeightsBytes,
  depthwiseWeightsBytes,
  INT4_GROUP,
} from '../../functions/runtime/int8/layout.ts';
import type { Op, OpOf } from '../../functions/runtime/int8/program.ts';
import { GraphError } from '../graph/graph.ts';
import { type Emission, tensors, windowFields } from './emission.ts';
import { emitCopy, emitElementwise, emitParts, emitPool } from './emit-plain.ts';
import { epilogue } from './epilogue.ts';
import { packConv, packConvFirst, packDenseInt4, packDepthwise, packGroupScales } from './pack-weights.ts';
import { gridIn, type QuantizedGraph, type QuantizedLayer, type Window } from './quantized-graph.ts';

/** The ops of a layer: one, but for a concatenation (a copy for each part that is not in place) and a layout (none). */
export function emitLayer(graph: QuantizedGraph, layer: QuantizedLayer, emission: Emission): readonly Op[] {
  const { operation } = layer;
  switch (operation.op) {
    case 'conv-first':
    case 'conv':
    case 'depthwise':
    case 'dense-int4':
      return [emitLinear(graph, layer, emission)];
    case 'max-pool':
    case 'average-pool':
    case 'global-average-pool':
      return [emitPool(graph, layer, emission)];
    case 'lookup':
    case 'add':
    case 'mul':
    case 'lrn':
      return [emitElementwise(graph, layer, emission)];
    case 'copy':
      return [emitCopy(graph, layer, emission)];
    case 'concat':
      return emitParts(graph, layer, emission);
    case 'flatten':
      return [];
    default:
      return operation satisfies never;
  }
}

function emitLinear(graph: QuantizedGraph, layer: QuantizedLayer, emission: Emission): Op {
  const { operation } = layer;
  const { block, scratch } = emission;
  const ends = tensors(graph, layer, emission);
  const outputs = ends.outputChannels;
  switch (operation.op) {
    case 'conv-first': {
      const [one = 0, two = 0, three = 0, four = 0] = operation.padPixels;
      const unplaced: OpOf<'conv-first'> = {
        kind: 'conv-first',
        ...ends,
        ...windowFields(operation),
        ...epilogue(graph, layer, operation, undefined, () => 0, emission),
        weights: 0,
        padValues: one | (two << 8) | (three << 16) | (four << 24),
        scratch,
        scratchBytes: 0,
      };
      const weights = block.add(convFirstWeightsBytes(unplaced), () =>
        once(operation.weights, () => packConvFirst(unplaced, operation.weights)),
      );
      return { ...unplaced, weights, scratchBytes: convFirstScratchBytes(unplaced) };
    }
    case 'conv': {
      const grid = gridIn(graph, layer.inputs[0]);
      const sums = weightSums(outputs, operation);
      const inputChannels = inputsOf(operation, outputs) * operation.groups;
      const unplaced: OpOf<'conv'> = {
        kind: 'conv',
        ...ends,
        // A map that was laid out as a vector is read with the bytes between its pixels.
        inputChannels,
        ...windowFields(operation),
        ...epilogue(graph, layer, operation, grid, sums, emission),
        dilationY: operation.dilations[0],
        dilationX: operation.dilations[1],
        groups: operation.groups,
        padValue: grid.zero,
        weights: 0,
        form: operation.form,
        scratch,
        scratchBytes: 0,
      };
      const weights = block.add(convWeightsBytes(unplaced), () =>
        once(operation.weights, () => packConv(unplaced, operation.weights)),
      );
      return { ...unplaced, weights, scratchBytes: convScratchBytes(unplaced) };
    }
    case 'depthwise': {
      const grid = gridIn(graph, layer.inputs[0]);
      const shape = { ...ends, ...windowFields(operation) };
      return {
        kind: grid.levels === 255 ? 'depthwise-wide' : 'depthwise',
        ...shape,
        ...epilogue(graph, layer, operation, grid, weightSums(outputs, operation), emission),
        dilationY: operation.dilations[0],
        dilationX: operation.dilations[1],
        padValue: grid.zero,
        weights: block.add(depthwiseWeightsBytes(shape), () =>
          once(operation.weights, () => packDepthwise(shape, operation.weights)),
        ),
      };
    }
    case 'dense-int4': {
      const grid = gridIn(graph, layer.inputs[0]);
      const inputChannels = operation.weights.length / outputs;
      const shape = { inputChannels, outputChannels: outputs };
      return {
        kind: 'dense-int4',
        ...ends,
        inputChannels,
        ...epilogue(graph, layer, operation, grid, weightSums(outputs, operation), emission),
        weights: block.add(denseInt4WeightsBytes(shape), () =>
          once(operation.weights, () => packDenseInt4(shape, operation.weights)),
        ),
        groupScales: block.add(denseInt4ScalesBytes(shape), () => packGroupScales(shape, operation.groupScales)),
      };
    }
    default:
      throw new GraphError(`"${layer.name}" (${operation.op}) has no weights`);
  }
}

interface Weighted {
  readonly weights: Int8Array;
  readonly scales: Float32Array;
  readonly groupScales?: Float32Array;
}

/** Input channels a group of a convolution, from its weights. */
function inputsOf(operation: Weighted & Pick<Window, 'kernel'>, outputs: number): number {
  return operation.weights.length / outputs / (operation.kernel[0] * operation.kernel[1]);
}

const packed = new WeakMap<Int8Array, Int8Array | Uint8Array>();

/** Weights are packed once, however often a network is laid out with other grids. */
function once(weights: Int8Array, pack: () => Int8Array | Uint8Array): Int8Array | Uint8Array {
  const known = packed.get(weights) ?? pack();
  packed.set(weights, known);
  return known;
}

const summed = new WeakMap<Int8Array, Float64Array>();

/** Σ of the real weights of each output channel, added up where it is asked for. */
function weightSums(outputs: number, operation: Weighted): (c: number) => number {
  return (c) => {
    const known = summed.get(operation.weights) ?? sumWeights(outputs, operation);
    summed.set(operation.weights, known);
    return known[c] ?? 0;
  };
}

function sumWeights(outputs: number, { weights, scales, groupScales }: Weighted): Float64Array {
  const sums = new Float64Array(outputs);
  for (let row = 0; row < weights.length; row += outputs) {
    const groupRow = Math.floor(row / outputs / INT4_GROUP) * outputs;
    for (let c = 0; c < outputs; c++) {
      const group = groupScales ? (groupScales[groupRow + c] ?? 0) : 1;
      sums[c] = (sums[c] ?? 0) + (weights[row + c] ?? 0) * group * (scales[c] ?? 1);
    }
  }
  return sums;
}
