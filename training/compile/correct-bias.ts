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
import { StepwiseRun } from './stepwise-run.ts';

type Weighted = Extract<QuantizedOperation, { exact: Float32Array }>;

/** Mean of each element of the values that a layer reads: in the float network, and in the integer one. */
interface Means {
  exact(name: string): Float32Array;
  rounded(name: string): Float32Array;
}

/** What a layer is taken to read: what float gives, or what the integer layers before it really give. */
export type BiasMethod = 'none' | 'analytic' | 'empirical';

/**
 * Bias correction (Nagel et al. 2019, section 4.2): takes from each bias what its layer gives too much on average.
 * `analytic` looks at the rounding of its weights alone. `empirical` goes layer by layer from the input on and counts
 * in what the layers before still do wrong; that helps most where errors add up (depthwise networks), and harms where
 * rare large activations are clipped, which a shift of all cannot mend.
 * @param images those that were observed
 */
export function correctBias(
  graph: QuantizedGraph,
  observations: Observations,
  images: readonly Uint8Array[],
  method: BiasMethod,
): QuantizedGraph {
  if (method === 'none') return graph;
  const exact = (name: string): Float32Array => {
    const mean = observations.get(name)?.mean;
    if (!mean) throw new Error(`"${name}" was not observed`);
    return mean;
  };
  const run = method === 'empirical' ? new StepwiseRun(graph, images) : undefined;
  const measured = new Map<string, Float32Array>();
  const means: Means = { exact, rounded: (name) => measured.get(name) ?? exact(name) };
  const layers = graph.layers.map((layer): QuantizedLayer => {
    const { operation } = layer;
    const corrected = 'exact' in operation ? withoutError(graph, layer, operation, means) : layer;
    if (run) measured.set(layer.name, run.step(corrected));
    return corrected;
  });
  return { ...graph, layers };
}

function withoutError(graph: QuantizedGraph, layer: QuantizedLayer, operation: Weighted, means: Means): QuantizedLayer {
  const error = meanError(graph, layer, operation, means);
  return { ...layer, operation: { ...operation, bias: operation.bias.map((value, c) => value - (error[c] ?? 0)) } };
}

/** Mean over the output's positions of what a layer gives too much before its activation, one an output channel. */
function meanError(graph: QuantizedGraph, layer: QuantizedLayer, operation: Weighted, means: Means): Float64Array {
  const outputShape = valueIn(graph, layer.name).shape;
  const outputs = outputShape[2];
  const { exact, rounded } = meanInputs(graph, layer, operation, outputShape, means);
  const inputs = operation.weights.length / outputs;
  const groups = operation.op === 'conv' ? operation.groups : operation.op === 'depthwise' ? outputs : 1;
  const taps = 'kernel' in operation ? operation.kernel[0] * operation.kernel[1] : 1;
  const inGroup = inputs / taps;
  const error = residualError(layer, outputs, means);
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

function residualError({ residual }: QuantizedLayer, outputs: number, means: Means): Float64Array {
  const error = new Float64Array(outputs);
  if (residual === null) return error;
  const [exact, rounded] = [means.exact(residual), means.rounded(residual)];
  for (const [index, value] of rounded.entries()) {
    const c = index % outputs;
    error[c] = (error[c] ?? 0) + ((value - (exact[index] ?? 0)) * outputs) / rounded.length;
  }
  return error;
}

/** Mean of what lies under each weight, [taps][channels]. */
function meanInputs(
  graph: QuantizedGraph,
  layer: QuantizedLayer,
  operation: Weighted,
  outputShape: Shape,
  means: Means,
): { exact: Float64Array; rounded: Float64Array } {
  const [name = ''] = layer.inputs;
  const shape = valueIn(graph, name).shape;
  const both = [means.exact(name), means.rounded(name)] as const;
  const inputs = operation.weights.length / outputShape[2];
  const laidOut = operation.op === 'conv' && operation.groups === 1 && inputs % shape[2] !== 0;
  if (operation.op === 'dense-int4' || laidOut) {
    const [exact, rounded] = both.map((mean) => vectorMeans(graph, layer, mean));
    return { exact: exact ?? new Float64Array(), rounded: rounded ?? new Float64Array() };
  }
  const under = (mean: Float32Array) => underTaps(mean, shape, operation, outputShape);
  const { sums, outside } = under(both[0]);
  if (operation.op !== 'conv-first') return { exact: sums, rounded: under(both[1]).sums };
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
