import type { Observations } from './calibrate.ts';
import { chooseKernels, expectedNanoseconds, readsWide } from './choose-kernels.ts';
import type { QuantizedGraph, QuantizedLayer } from './quantized-graph.ts';
import { type Moments, type Shrunk, shrinkToW4 } from './shrink-to-w4.ts';

/** A network some of whose layers were shrunk for form w4, and what that changed. */
export interface Spending {
  readonly graph: QuantizedGraph;
  /** As it was. */
  readonly original: QuantizedGraph;
  /** Layers that were shrunk, of so many whose time it would have cut. */
  readonly layers: number;
  readonly candidates: number;
  /** What the model of costs expects to be saved, and what all convolutions are expected to take then. */
  readonly savedMs: number;
  readonly expectedMs: number;
  /** Signal-to-noise ratio of the output on calibration images. */
  readonly decibels: number;
}

interface Candidate extends Shrunk {
  readonly layer: string;
  readonly savedNanoseconds: number;
}

/** The most that the output may lose in signal-to-noise ratio; 7-bit weights cost more than twice as much. */
const MOST_DECIBELS = 0.5;

/**
 * Shrinks the weights of layers that form w4 would run faster, those first that save most time for the noise they
 * add, as many as the output's signal-to-noise ratio allows.
 * @param score decibels of a network's output on some calibration images
 */
export function spendOnW4(
  graph: QuantizedGraph,
  observations: Observations,
  score: (graph: QuantizedGraph) => number,
): Spending {
  const candidates = candidatesIn(graph, observations);
  const decibelsBefore = score(graph);
  const spending = (count: number, known?: number): Spending => {
    const spent = candidates.slice(0, count);
    const shrunk = chooseKernels(withLayers(graph, spent));
    return {
      graph: shrunk,
      original: graph,
      layers: spent.length,
      candidates: candidates.length,
      savedMs: sum(spent, ({ savedNanoseconds }) => savedNanoseconds) / 1e6,
      expectedMs: expectedMs(shrunk),
      decibels: known ?? score(shrunk),
    };
  };
  let best = spending(0, decibelsBefore);
  let [low, high] = [0, candidates.length];
  // All first, for that is what most networks can bear; then by halves.
  for (let count = high; low < high; count = Math.ceil((low + high) / 2)) {
    const tried = spending(count);
    if (tried.decibels >= decibelsBefore - MOST_DECIBELS) [best, low] = [tried, count];
    else high = count - 1;
  }
  return best;
}

function candidatesIn(graph: QuantizedGraph, observations: Observations): readonly Candidate[] {
  const candidates = graph.layers.flatMap((layer): Candidate[] => {
    const { operation } = layer;
    if (operation.op !== 'conv' || readsWide(graph, layer)) return [];
    const { now, w4 } = expectedNanoseconds(graph, layer, operation);
    if (w4 >= now) return [];
    const shrunk = shrinkToW4(operation, momentsOf(observations, layer.inputs[0]));
    return [{ ...shrunk, layer: layer.name, savedNanoseconds: now - w4 }];
  });
  return candidates.toSorted((a, b) => b.savedNanoseconds / b.noise - a.savedNanoseconds / a.noise);
}

function momentsOf(observations: Observations, name = ''): Moments {
  const seen = observations.get(name);
  if (!seen) throw new Error(`"${name}" was not observed`);
  const { mean: means, sizes } = seen;
  const mean = new Float64Array(sizes.length);
  for (const [index, value] of means.entries()) {
    const c = index % sizes.length;
    mean[c] = (mean[c] ?? 0) + (value * sizes.length) / means.length;
  }
  return { mean, square: sizes.map((size) => size ** 2) };
}

function withLayers(graph: QuantizedGraph, spent: readonly Candidate[]): QuantizedGraph {
  const convs = new Map(spent.map(({ layer, conv }) => [layer, conv]));
  const layers = graph.layers.map((layer): QuantizedLayer => {
    const conv = convs.get(layer.name);
    return conv ? { ...layer, operation: conv } : layer;
  });
  return { ...graph, layers };
}

const expectedMs = (graph: QuantizedGraph): number =>
  sum(graph.layers, (layer) => {
    const { operation } = layer;
    return operation.op === 'conv' ? expectedNanoseconds(graph, layer, operation).now / 1e6 : 0;
  });

const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);
