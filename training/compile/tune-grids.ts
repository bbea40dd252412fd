import { type QuantizedGraph, type Value, valueIn } from './quantized-graph.ts';
import { type Quantization, quantizationOf } from './ranges.ts';

/** Ranges that are tried, as shares of the present one: coarse, then fine. */
const SHARES = [0.8, 1.25, 0.92, 1.09];
/** Less than this is chance. */
const LEAST_GAIN_DECIBELS = 0.05;

/**
 * Moves the range of what a local response normalization reads, while that brings the network's output nearer to
 * float. The least squared error of the value itself is the wrong measure there: the normalization presses large
 * values together, so that clipping them costs little and small steps for small values gain much (2.5 dB of the
 * logits of GoogLeNet).
 * @param score decibels of a network's output on some calibration images
 */
export function tuneGrids(graph: QuantizedGraph, score: (graph: QuantizedGraph) => number): QuantizedGraph {
  const normalized = graph.layers.filter(({ operation }) => operation.op === 'lrn').map(({ inputs }) => inputs[0]);
  const grids = new Set(normalized.flatMap((name) => gridsOf(valueIn(graph, name))));
  if (grids.size === 0) return graph;
  let best = { graph, decibels: score(graph) };
  for (let grid of grids) {
    for (const share of SHARES) {
      // On and on in a direction that helps.
      for (;;) {
        const moved = scaled(grid, share);
        const changed = withGrid(best.graph, grid, moved);
        const decibels = score(changed);
        if (decibels < best.decibels + LEAST_GAIN_DECIBELS) break;
        best = { graph: changed, decibels };
        grid = moved;
      }
    }
  }
  return best.graph;
}

const gridsOf = (value: Value | undefined): Quantization[] =>
  value?.storage.kind === 'u7' ? [value.storage.grid] : [];

function scaled({ scale, zero, levels }: Quantization, share: number): Quantization {
  return quantizationOf(-zero * scale * share, (levels - zero) * scale * share, levels);
}

function withGrid(graph: QuantizedGraph, from: Quantization, to: Quantization): QuantizedGraph {
  const values = new Map(
    [...graph.values].map(([name, value]): [string, Value] => {
      const { storage } = value;
      return [
        name,
        storage.kind === 'u7' && storage.grid === from ? { ...value, storage: { kind: 'u7', grid: to } } : value,
      ];
    }),
  );
  return { ...graph, values };
}
