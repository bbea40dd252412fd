import { type ConvGeometry, type ConvShape, convK, convTapBytes, fitsW4 } from '../../functions/runtime/int8/layout.ts';
import { fitsWinograd } from '../../functions/runtime/int8/winograd.ts';
import { type ConvForm, convNanoseconds } from './conv-cost.ts';
import {
  gridIn,
  type QuantizedGraph,
  type QuantizedLayer,
  type QuantizedOperation,
  valueIn,
} from './quantized-graph.ts';

export type Conv = Extract<QuantizedOperation, { op: 'conv' }>;

/**
 * The fastest form of each convolution of those that are exact for it. All give the same bits.
 * @param forms which are exact for one
 */
export function chooseKernels(graph: QuantizedGraph, forms = exactForms): QuantizedGraph {
  const layers = graph.layers.map((layer): QuantizedLayer => {
    const { operation } = layer;
    if (operation.op !== 'conv') return layer;
    const possible = readsWide(graph, layer) ? WIDE : forms(operation);
    return { ...layer, operation: { ...operation, form: fastest(graph, layer, operation, possible) } };
  });
  return { ...graph, layers };
}

const WIDE: readonly ConvForm[] = [3];

/** Whether what a layer reads is stored in 8 bits, which the other forms do not take. */
export const readsWide = (graph: QuantizedGraph, layer: QuantizedLayer): boolean =>
  gridIn(graph, layer.inputs[0]).levels === 255;

/** What a convolution is expected to take in its fastest form, in nanoseconds, and what if w4 were exact for it. */
export function expectedNanoseconds(graph: QuantizedGraph, layer: QuantizedLayer, conv: Conv) {
  const shape = shapeOf(graph, layer, conv);
  return { now: convNanoseconds(shape, conv.form), w4: convNanoseconds(shape, 1) };
}

function fastest(graph: QuantizedGraph, layer: QuantizedLayer, conv: Conv, forms: readonly ConvForm[]): ConvForm {
  const shape = shapeOf(graph, layer, conv);
  const costs = forms.map((form) => ({ form, nanoseconds: convNanoseconds(shape, form) }));
  return costs.reduce((best, cost) => (cost.nanoseconds < best.nanoseconds ? cost : best)).form;
}

function exactForms(conv: Conv): ConvForm[] {
  const forms: ConvForm[] = [0];
  if (everyRow(conv, fitsW4)) forms.push(1);
  if (isWinogradWindow(conv) && everyRow(conv, fitsWinograd)) forms.push(2);
  return forms;
}

/** Whether Winograd's form exists for a window; with weights of 8 bits it nearly always is exact. */
export function isWinogradWindow({ kernel, strides, dilations, groups }: Conv): boolean {
  return kernel.every((size) => size === 3) && [...strides, ...dilations, groups].every((step) => step === 1);
}

function shapeOf(graph: QuantizedGraph, layer: QuantizedLayer, conv: Conv): ConvShape & ConvGeometry {
  const [inputHeight, inputWidth] = valueIn(graph, layer.inputs[0]).shape;
  const [outputHeight, outputWidth] = valueIn(graph, layer.name).shape;
  const { strides, pads } = conv;
  const places = { inputHeight, inputWidth, outputHeight, outputWidth };
  return {
    ...channelsOf(conv),
    ...places,
    strideY: strides[0],
    strideX: strides[1],
    padTop: pads[0],
    padLeft: pads[1],
  };
}

function channelsOf({ weights, scales, kernel, groups }: Conv): ConvShape {
  const inputs = weights.length / scales.length / kernel[0] / kernel[1];
  const [kernelHeight, kernelWidth] = kernel;
  return { kernelHeight, kernelWidth, inputChannels: inputs * groups, outputChannels: scales.length, groups };
}

/**
 * Where along K, as a kernel walks it, the weights of an output channel lie: of weight i of the channel (tap by tap,
 * input channels fastest) at `places[i]`, of `k` in all. The rest is padding.
 */
export function placesAlongK(conv: Conv): { places: Int32Array; k: number } {
  const shape = channelsOf(conv);
  const inputs = shape.inputChannels / shape.groups;
  const tapBytes = convTapBytes(shape);
  const places = Int32Array.from({ length: conv.weights.length / shape.outputChannels }, (_, i) => {
    return Math.floor(i / inputs) * tapBytes + (i % inputs);
  });
  return { places, k: convK(shape) };
}

/** Whether a form is exact for all output channels; most that fail do so at one of the first. */
function everyRow(conv: Conv, fits: (row: Int8Array) => boolean): boolean {
  const { places, k } = placesAlongK(conv);
  const outputs = conv.scales.length;
  const row = new Int8Array(k);
  for (let output = 0; output < outputs; output++) {
    for (let i = 0; i < places.length; i++) row[places[i] ?? 0] = conv.weights[i * outputs + output] ?? 0;
    if (!fits(row)) return false;
  }
  return true;
}
