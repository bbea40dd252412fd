import type { FloatRun } from './calibrate.ts';
import { IntegerRun } from './integer-run.ts';
import { costOf, type QuantizedGraph, valueIn } from './quantized-graph.ts';

export interface LayerCost {
  readonly name: string;
  readonly op: string;
  readonly shape: readonly number[];
  readonly macs: number;
  readonly weightBytes: number;
  /** Median over the images, on this machine; 0 for a layer without an op of its own. */
  readonly microseconds: number;
}

/**
 * Runs both networks on some images and shows every value of both to `compare`, in the order of the layers.
 * @returns what each layer costs.
 */
export async function measureLayers(
  graph: QuantizedGraph,
  images: readonly Uint8Array[],
  float: FloatRun,
  compare: (layer: string, exact: Float32Array, approximate: Float32Array) => void,
): Promise<readonly LayerCost[]> {
  const run = new IntegerRun(graph, true);
  const { ops } = run.packed.program;
  const times = ops.map((): number[] => []);
  for (const [image, pixels] of images.entries()) {
    run.engine.input.set(pixels);
    for (const index of ops.keys()) {
      const start = performance.now();
      run.engine.runOp(index);
      times[index]?.push(performance.now() - start);
    }
    const values = await float(image, () => true);
    for (const { name } of graph.layers) compare(name, values.get(name) ?? new Float32Array(), run.value(name));
  }
  return graph.layers.map((layer) => {
    const own = times.filter((_, index) => ops[index]?.layer === layer.name);
    const microseconds = own.reduce((sum, samples) => sum + 1000 * median(samples), 0);
    const { shape } = valueIn(graph, layer.name);
    return { name: layer.name, op: layer.operation.op, shape, ...costOf(graph, layer), microseconds };
  });
}

function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
