import type { Op } from '../../functions/runtime/int8/program.ts';
import { GraphError } from '../graph/graph.ts';
import { type Emission, placeIn, tensors, windowFields } from './emission.ts';
import { clampFields } from './epilogue.ts';
import { gridIn, type QuantizedGraph, type QuantizedLayer, valueIn } from './quantized-graph.ts';
import { tableOf } from './table-of.ts';

/** Ops without weights of a network. Scales of inputs and output meet in their multipliers. */

export function emitPool(graph: QuantizedGraph, layer: QuantizedLayer, emission: Emission): Op {
  const { operation } = layer;
  const ends = tensors(graph, layer, emission);
  const input = gridIn(graph, layer.inputs[0]);
  const { storage } = valueIn(graph, layer.name);
  const output = storage.kind === 'u7' ? storage.grid : { scale: 1, zero: 0 };
  switch (operation.op) {
    case 'max-pool':
      return { kind: 'max-pool', ...ends, ...windowFields(operation) };
    case 'average-pool':
      return {
        kind: 'average-pool',
        ...ends,
        ...windowFields(operation),
        padBottom: operation.pads[2],
        padRight: operation.pads[3],
        countPads: operation.countPads ? 1 : 0,
        zero: input.zero,
        multiplier: input.scale / output.scale,
        bias: output.zero,
      };
    case 'global-average-pool': {
      const step = input.scale / output.scale;
      const multiplier = step / (ends.inputHeight * ends.inputWidth);
      const float = storage.kind === 'float' ? 1 : 0;
      return { kind: 'global-average', ...ends, multiplier, bias: output.zero - input.zero * step, float };
    }
    default:
      throw new GraphError(`"${layer.name}" (${operation.op}) is no pool`);
  }
}

export function emitElementwise(graph: QuantizedGraph, layer: QuantizedLayer, emission: Emission): Op {
  const { operation } = layer;
  const ends = tensors(graph, layer, emission);
  const input = gridIn(graph, layer.inputs[0]);
  const output = gridIn(graph, layer.name);
  const clamp = clampFields(layer.activation, output);
  switch (operation.op) {
    case 'add':
    case 'mul': {
      const otherGrid = gridIn(graph, layer.inputs[1]);
      const place = placeIn(emission.places, layer.inputs[1]);
      const other = { other: place.offset, otherStride: place.stride };
      if (operation.op === 'mul') {
        const [height, width] = valueIn(graph, layer.inputs[1]).shape;
        const broadcast = height * width === 1 && ends.outputHeight * ends.outputWidth > 1 ? 1 : 0;
        const scale = (input.scale * otherGrid.scale) / output.scale;
        const zeros = { zero: input.zero, otherZero: otherGrid.zero, bias: output.zero };
        return { kind: 'mul', ...ends, ...other, ...zeros, broadcast, scale, ...clamp };
      }
      const [scale, otherScale] = [input.scale / output.scale, otherGrid.scale / output.scale];
      const bias = output.zero - input.zero * scale - otherGrid.zero * otherScale;
      return { kind: 'add', ...ends, ...other, scale, otherScale, bias, ...clamp };
    }
    case 'lookup': {
      const channels = ends.outputChannels;
      const { table, perChannel } = tableOf(operation.activation, channels, input, output);
      return {
        kind: 'lookup',
        ...ends,
        table: emission.block.add(table.length, () => table),
        perChannel: perChannel ? 1 : 0,
      };
    }
    case 'lrn': {
      const quarters = operation.beta * 4;
      if (!Number.isInteger(quarters) || quarters < 0) {
        throw new GraphError(
          `Node "${layer.name}" (lrn) has beta ${operation.beta}; only multiples of 0.25 can be compiled.`,
        );
      }
      return {
        kind: 'lrn',
        ...ends,
        size: operation.size,
        zero: input.zero,
        alpha: (operation.alpha / operation.size) * input.scale ** 2,
        k: operation.k,
        quarters,
        multiplier: input.scale / output.scale,
        bias: output.zero,
      };
    }
    default:
      throw new GraphError(`"${layer.name}" (${operation.op}) is not elementwise`);
  }
}

export function emitCopy(graph: QuantizedGraph, layer: QuantizedLayer, emission: Emission): Op {
  const { operation } = layer;
  if (operation.op !== 'copy') throw new Error(`"${layer.name}" is no copy`);
  const [strideY, strideX, strideC] = operation.strides;
  const [padTop, padLeft, padChannel] = operation.origin;
  const steps = { strideY, strideX, strideC, padTop, padLeft, padChannel };
  const ends = tensors(graph, layer, emission);
  return { kind: 'copy', ...ends, ...steps, scale: 1, bias: 0, fill: gridIn(graph, layer.name).zero };
}

/** Copies of those parts of a concatenation that could not be written in place. */
export function emitParts(graph: QuantizedGraph, layer: QuantizedLayer, emission: Emission): Op[] {
  const whole = placeIn(emission.places, layer.name);
  const steps = {
    strideY: 1,
    strideX: 1,
    strideC: 1,
    padTop: 0,
    padLeft: 0,
    padChannel: 0,
    scale: 1,
    bias: 0,
    fill: 0,
  };
  let channel = 0;
  return layer.inputs.flatMap((name, index): Op[] => {
    const place = placeIn(emission.places, name);
    const output = whole.offset + channel;
    const channels = valueIn(graph, name).shape[2];
    channel += channels;
    if (place.offset === output && place.stride === whole.stride) return [];
    const ends = tensors(graph, layer, emission, index);
    return [{ kind: 'copy', ...ends, ...steps, output, outputChannels: channels }];
  });
}
