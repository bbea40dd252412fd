import { convK, convTapBytes, fitsW4 } from '../../functions/runtime/int8/layout.ts';
import type { QuantizedGraph, QuantizedLayer, QuantizedOperation } from './quantized-graph.ts';
import { valueIn } from './quantized-graph.ts';

type Conv = Extract<QuantizedOperation, { op: 'conv' }>;

/** Form w4 for the convolutions for which it is exact, form w for the others. */
export function chooseKernels(graph: QuantizedGraph): QuantizedGraph {
  const layers = graph.layers.map((layer): QuantizedLayer => {
    const { operation } = layer;
    if (operation.op !== 'conv') return layer;
    const form = fitsW4Everywhere(operation, valueIn(graph, layer.name).shape[2]) ? 1 : 0;
    return { ...layer, operation: { ...operation, form } };
  });
  return { ...graph, layers };
}

function fitsW4Everywhere({ weights, kernel, groups }: Conv, outputs: number): boolean {
  const taps = kernel[0] * kernel[1];
  const inputs = weights.length / outputs / taps;
  const [kernelHeight, kernelWidth] = kernel;
  const shape = { kernelHeight, kernelWidth, inputChannels: inputs * groups, outputChannels: outputs, groups };
  const [tapBytes, k] = [convTapBytes(shape), convK(shape)];
  const row = new Int8Array(k);
  for (let output = 0; output < outputs; output++) {
    for (let tap = 0; tap < taps; tap++) {
      for (let c = 0; c < inputs; c++) row[tap * tapBytes + c] = weights[(tap * inputs + c) * outputs + output] ?? 0;
    }
    if (!fitsW4(row)) return false;
  }
  return true;
}
