import type { Observations, Observed } from './calibrate.ts';
import { type FusedGraph, type Layer, shapeIn } from './fused-graph.ts';

/** Of each value, one a channel: the mean squared derivative of the network's outputs by one element. */
export type Sensitivities = ReadonlyMap<string, Float64Array>;

/**
 * How much the noise of each channel of each value weighs in the outputs, when errors are small and add up as
 * independent ones do: their variances go backward through the squared weights of every layer that reads them.
 * A ReLU lets through the share of elements that were above zero, and so, near enough, does any other activation.
 */
export function sensitivities(graph: FusedGraph, observations: Observations): Sensitivities {
  const found = new Map<string, Float64Array>();
  const of = (name = ''): Float64Array => {
    const known = found.get(name) ?? new Float64Array(shapeIn(graph, name)[2]);
    found.set(name, known);
    return known;
  };
  const seen = (name = ''): Observed => {
    const known = observations.get(name);
    if (!known) throw new Error(`"${name}" was not observed`);
    return known;
  };
  of(graph.output).fill(1);
  for (const layer of graph.layers.toReversed()) {
    const own = of(layer.name);
    const passed = layer.activation ? own.map((value, c) => value * (seen(layer.name).active[c] ?? 1)) : own;
    if (layer.residual !== null) addTo(of(layer.residual), passed);
    backward(graph, layer, passed, of, seen);
  }
  return found;
}

function backward(
  graph: FusedGraph,
  { name, inputs, operation }: Layer,
  out: Float64Array,
  of: (name?: string) => Float64Array,
  seen: (name?: string) => Observed,
): void {
  const [first = '', second] = inputs;
  const into = of(first);
  const [height, width] = shapeIn(graph, first);
  const [outputHeight, outputWidth, outputs] = shapeIn(graph, name);
  const channels = into.length;
  /** Elements of the output for each of the input. */
  const share = (outputHeight * outputWidth) / (height * width);
  switch (operation.op) {
    case 'conv':
    case 'dense': {
      const groups = operation.op === 'conv' ? operation.groups : 1;
      const [ins, outs] = [channels / groups, outputs / groups];
      for (let index = 0; index < operation.weights.length; index++) {
        const output = index % outputs;
        const c = Math.floor(output / outs) * ins + (Math.floor(index / outputs) % ins);
        into[c] = (into[c] ?? 0) + (operation.weights[index] ?? 0) ** 2 * (out[output] ?? 0) * share;
      }
      return;
    }
    case 'mul': {
      const [other, a, b] = [of(second), seen(first).squares, seen(second).squares];
      const spread = (outputHeight * outputWidth) / (shapeIn(graph, second)[0] * shapeIn(graph, second)[1]);
      addTo(into, out, (c) => b[c] ?? 0);
      addTo(other, out, (c) => (a[c] ?? 0) * spread);
      return;
    }
    case 'concat': {
      let before = 0;
      for (const input of inputs) {
        const part = of(input);
        addTo(part, out.subarray(before, before + part.length));
        before += part.length;
      }
      return;
    }
    case 'add':
      for (const input of inputs) addTo(of(input), out);
      return;
    case 'global-average-pool':
      addTo(into, out, () => 1 / (height * width) ** 2);
      return;
    case 'average-pool':
      addTo(into, out, () => share / (operation.kernel[0] * operation.kernel[1]));
      return;
    case 'max-pool':
      addTo(into, out, () => share);
      return;
    case 'flatten':
      for (let index = 0; index < out.length; index++) {
        const c = index % channels;
        into[c] = (into[c] ?? 0) + (out[index] ?? 0) / (height * width);
      }
      return;
    case 'copy':
      for (let c = 0; c < outputs; c++) {
        const from = c * operation.strides[2] - operation.origin[2];
        if (from >= 0 && from < channels) into[from] = (into[from] ?? 0) + (out[c] ?? 0);
      }
      return;
    case 'activation':
    case 'lrn':
      addTo(into, out);
      return;
    default:
      operation satisfies never;
  }
}

function addTo(into: Float64Array, from: Float64Array, factor: (c: number) => number = () => 1): void {
  for (let c = 0; c < into.length; c++) into[c] = (into[c] ?? 0) + (from[c] ?? 0) * factor(c);
}
