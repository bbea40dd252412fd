import { ACTIVATIONS, type ActivationName, type EpilogueFields } from '../../functions/runtime/int8/program.ts';
import type { Activation } from '../graph/graph.ts';
import { type Emission, placeIn } from './emission.ts';
import { gridIn, type Int8Weights, type QuantizedGraph, type QuantizedLayer, valueIn } from './quantized-graph.ts';
import type { Quantization } from './ranges.ts';

/**
 * From accumulators to the output's steps. Without an activation, or with a clip, v = acc · scale + bias stands in
 * steps of the output already; other activations take v in its own units.
 * @param input grid of what the weights meet; pixels have none
 * @param zeroSums Σ of the real weights of an output channel: what the input's zero point adds to it
 */
export function epilogue(
  graph: QuantizedGraph,
  layer: QuantizedLayer,
  { scales, bias }: Pick<Int8Weights, 'scales' | 'bias'>,
  input: Quantization | undefined,
  zeroSums: (c: number) => number,
  { places, block }: Emission,
): EpilogueFields {
  const { activation } = layer;
  const { shape, storage } = valueIn(graph, layer.name);
  const channels = shape[2];
  const float = storage.kind === 'float';
  const grid = storage.kind === 'u7' ? storage.grid : ({ scale: 1, zero: 0, levels: 127 } as const);
  const { scale: step, zero } = grid;
  const inSteps = countsInSteps(layer);
  const unit = inSteps ? step : 1;
  const residual = layer.residual === null ? undefined : gridIn(graph, layer.residual);
  const inputStep = input?.scale ?? 1;
  const shift = (c: number) =>
    (bias[c] ?? 0) - zeroSums(c) * inputStep * (input?.zero ?? 0) - (residual ? residual.zero * residual.scale : 0);
  return {
    scale: block.addPerChannel(channels, (c) => ((scales[c] ?? 1) * inputStep) / unit),
    bias: block.addPerChannel(channels, (c) => shift(c) / unit + (inSteps ? zero : 0)),
    residual: layer.residual === null ? -1 : placeIn(places, layer.residual).offset,
    residualStride: layer.residual === null ? 0 : placeIn(places, layer.residual).stride,
    residualScale: residual ? residual.scale / unit : 0,
    ...activationFields(activation),
    slope:
      activation?.kind === 'prelu'
        ? block.addPerChannel(channels, (c) => activation.slope[activation.slope.length === 1 ? 0 : c] ?? 0)
        : 0,
    activationScale: inSteps ? 1 : 1 / step,
    activationZero: inSteps ? 0 : zero,
    ...clampFields(activation, grid),
    float: float ? 1 : 0,
  };
}

/** Whether v stands in steps of the output before its activation: those that are clips act on steps as well. */
const countsInSteps = ({ activation }: QuantizedLayer): boolean => !activation || activation.kind === 'clip';

/** What 1 of v, scale and bias of a layer's op is in real units. */
export function biasUnit(graph: QuantizedGraph, layer: QuantizedLayer): number {
  const { storage } = valueIn(graph, layer.name);
  return storage.kind === 'u7' && countsInSteps(layer) ? storage.grid.scale : 1;
}

/** The bounds of a clip in steps of the output, within its grid. */
export function clampFields(
  activation: Activation | null,
  { scale, zero, levels }: Quantization,
): { low: number; high: number } {
  const { low, high } =
    activation?.kind === 'clip' ? activation : { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  const bounded = (value: number) => Math.min(Math.max(value / scale + zero, 0), levels);
  return { low: bounded(low), high: bounded(high) };
}

function activationFields(activation: Activation | null): { activation: number; alpha: number; beta: number } {
  const fields = (name: ActivationName, alpha = 0, beta = 0) => ({
    activation: ACTIVATIONS.indexOf(name),
    alpha,
    beta,
  });
  switch (activation?.kind) {
    case undefined:
    case 'clip':
      return fields('none');
    case 'prelu':
      return fields('prelu');
    case 'sigmoid':
      return fields('sigmoid');
    case 'hard-sigmoid':
      return fields('hard-sigmoid', activation.alpha, activation.beta);
    case 'hard-swish':
      return fields('hard-swish', 1 / 6, 1 / 2);
    default:
      throw new Error(`unknown activation ${activation satisfies undefined}`);
  }
}
