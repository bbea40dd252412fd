import { INT4_GROUP } from '../../functions/runtime/int8/layout.ts';
import type { Shape } from '../graph/graph.ts';
import type { Observations } from './calibrate.ts';
import { spreadOverStride } from './quantize.ts';
import {
  type QuantizedGraph,
  type QuantizedLayer,
  type QuantizedOperation,
  valueIn,
  type Window,
} from './quantized-graph.ts';

type Weighted = Extract<QuantizedOperation, { exact: Float32Array }>;

/**
 * Takes from each bias what rounding the weights adds to it on average, Σ (ŵ − w) · E[x] (Nagel et al. 2019, section
 * 4.2), with the inputs that calibration saw under each tap; and what the padding of the first convolution adds,
 * whose zero is the nearest pixel.
 */
export function correctBias(graph: QuantizedGraph, observations: Observations): QuantizedGraph {
  const layers = graph.layers.map((layer): QuantizedLayer => {
    const { operation } = layer;
    if (!('exact' in operation)) return layer;
    const error = meanError(graph, layer, operation, observations);
    return { ...layer, operation: { ...operation, bias: operation.bias.map((value, c) => value - (error[c] ?? 0)) } };
  });
  return { ...graph, layers };
}

/** Mean over the output's positions of what the rounded weights give too much, one an output channel. */
function meanError(
  graph: QuantizedGraph,
  layer: QuantizedLayer,
  operation: Weighted,
  observations: Observations,
): Float64Array {
  const outputShape = valueIn(graph, layer.name).shape;
  const outputs = outputShape[2];
  const { exact, rounded } = meanInputs(graph, layer, operation, outputShape, observations);
  const inputs = operation.weights.length / outputs;
  const groups = operation.op === 'conv' ? operation.groups : operation.op === 'depthwise' ? outputs : 1;
  const taps = 'kernel' in operation ? operation.kernel[0] * operation.kernel[1] : 1;
  const inGroup = inputs / taps;
  const error = new Float64Array(outputs);
  for (let k = 0; k < inputs; k++) {
    const tap = Math.floor(k / inGroup);
    for (let c = 0; c < outputs; c++) {
      const channel = Math.floor(c / (outputs / groups)) * inGroup + (k % inGroup);
      const at = tap * inGroup * groups + channel;
      const index = k * outputs + c;
      const groupScale =
        operation.op === 'dense-int4' ? (operation.groupScales[Math.floor(k / INT4_GROUP) * outputs + c] ?? 0) : 1;
      const weight = (operation.weights[index] ?? 0) * groupScale * (operation.scales[c] ?? 1);
      error[c] = (error[c] ?? 0) + weight * (rounded[at] ?? 0) - (operation.exact[index] ?? 0) * (exact[at] ?? 0);
    }
  }
  return error;
}

/** Mean of what lies under each weight, [taps][channels]: for the float layer, and for the integer one. */
function meanInputs(
  graph: QuantizedGraph,
  layer: QuantizedLayer,
  operation: Weighted,
  outputShape: Shape,
  observations: Observations,
): { exact: Float64Array; rounded: Float64Array } {
  const [name = ''] = layer.inputs;
  const shape = valueIn(graph, name).shape;
  const mean = observations.get(name)?.mean;
  if (!mean) throw new Error(`"${name}" was not observed`);
  const inputs = operation.weights.length / outputShape[2];
  const laidOut = operation.op === 'conv' && operation.groups === 1 && inputs % shape[2] !== 0;
  if (operation.op === 'dense-int4' || laidOut) {
    const vector = vectorMeans(graph, layer, mean);
    return { exact: vector, rounded: vector };
  }
  const { sums, outside } = underTaps(mean, shape, operation, outputShape);
  if (operation.op !== 'conv-first') return { exact: sums, rounded: sums };
  // Weights are in units of pixels there: x / scale. Outside lies the nearest pixel instead of an exact zero.
  const channels = shape[2];
  const { scale, offset } = graph.pixels;
  const exact = sums.map((sum, index) => sum / (scale[index % channels] ?? 1));
  const rounded = exact.map((sum, index) => {
    const c = index % channels;
    const rest = (operation.padPixels[c] ?? 0) + (offset[c] ?? 0) / (scale[c] ?? 1);
    return sum + (outside[Math.floor(index / channels)] ?? 0) * rest;
  });
  return { exact, rounded };
}

/** Means of a vector, spread as the weights are where it is a map with bytes between its pixels. */
function vectorMeans(graph: QuantizedGraph, layer: QuantizedLayer, mean: Float32Array): Float64Array {
  const flatten = graph.layers.find(({ name, operation }) => name === layer.inputs[0] && operation.op === 'flatten');
  const shape = valueIn(graph, flatten ? flatten.inputs[0] : layer.inputs[0]).shape;
  return Float64Array.from(spreadOverStride(mean, 1, shape));
}

/** Per tap: the mean of each channel over the positions of the output, and the share of positions outside the map. */
function underTaps(mean: Float32Array, [height, width, channels]: Shape, window: Window, output: Shape) {
  const { kernel, strides, dilations, pads } = window;
  const positions = output[0] * output[1];
  const sums = new Float64Array(kernel[0] * kernel[1] * channels);
  const outside = new Float64Array(kernel[0] * kernel[1]);
  for (let tap = 0; tap < outside.length; tap++) {
    const [ky, kx] = [Math.floor(tap / kernel[1]) * dilations[0], (tap % kernel[1]) * dilations[1]];
    for (let position = 0; position < positions; position++) {
      const y = Math.floor(position / output[1]) * strides[0] - pads[0] + ky;
      const x = (position % output[1]) * strides[1] - pads[1] + kx;
      if (y < 0 || y >= height || x < 0 || x >= width) {
        outside[tap] = (outside[tap] ?? 0) + 1 / positions;
        continue;
      }
      for (let c = 0; c < channels; c++) {
        const at = tap * channels + c;
        sums[at] = (sums[at] ?? 0) + (mean[(y * width + x) * channels + c] ?? 0) / positions;
      }
    }
  }
  return { sums, outside };
}
