import { convK, convTapBytes, fitsW4 } from '../../functions/runtime/int8/layout.ts';
import { fitsWinograd } from '../../functions/runtime/int8/winograd.ts';
import { type QuantizedGraph, type QuantizedLayer, type QuantizedOperation, valueIn } from './quantized-graph.ts';

type Conv = Extract<QuantizedOperation, { op: 'conv' }>;

/** Below this many positions a side, tiles of 4x4 outputs are too ragged for Winograd to win. */
const WINOGRAD_SIDE = 14;

/**
 * The fastest form of each convolution that is exact: Winograd for 3x3 with stride 1 over a map, else w4, else w. All
 * give the same bits.
 */
export function chooseKernels(graph: QuantizedGraph): QuantizedGraph {
  const layers = graph.layers.map((layer): QuantizedLayer => {
    const { operation } = layer;
    if (operation.op !== 'conv') return layer;
    const [height, width, outputs] = valueIn(graph, layer.name).shape;
    const large = Math.min(height, width) >= WINOGRAD_SIDE;
    const rows = rowsOf(operation, outputs);
    const form = large && isWinogradWindow(operation) && rows.every(fitsWinograd) ? 2 : rows.every(fitsW4) ? 1 : 0;
    return { ...layer, operation: { ...operation, form } };
  });
  return { ...graph, layers };
}

function isWinogradWindow({ kernel, strides, dilations, groups }: Conv): boolean {
  return kernel.every((size) => size === 3) && [...strides, ...dilations, groups].every((step) => step === 1);
}

/** Weights of each output channel in the order in which a kernel walks along K, padded as in memory. */
function rowsOf({ weights, kernel, groups }: Conv, outputs: number): Int8Array[] {
  const [kernelHeight, kernelWidth] = kernel;
  const taps = kernelHeight * kernelWidth;
  const inputs = weights.length / outputs / taps;
  const shape = { kernelHeight, kernelWidth, inputChannels: inputs * groups, outputChannels: outputs, groups };
  const [tapBytes, k] = [convTapBytes(shape), convK(shape)];
  return Array.from({ length: outputs }, (_, output) => {
    const row = new Int8Array(k);
    for (let tap = 0; tap < taps; tap++) {
      for (let c = 0; c < inputs; c++) row[tap * tapBytes + c] = weights[(tap * inputs + c) * outputs + output] ?? 0;
    }
    return row;
  });
}
