import { elements } from '../graph/shapes.ts';
import type { FusedGraph, Layer } from './fused-graph.ts';
import { shapeIn } from './fused-graph.ts';
import { Histogram } from './histogram.ts';
import { chooseRange, type Quantization, type RangeMethod } from './ranges.ts';
import { canBeWide } from './wide-values.ts';

/** What calibration images showed of one value. */
export interface Observed {
  readonly histogram: Histogram;
  /** The same with each channel counted for what its errors do to the output, where that was known. */
  readonly weighted?: Histogram;
  /** Mean over the images, one an element of `[height, width, channels]`. */
  readonly mean: Float32Array;
  /** Of each channel, the fourth root of the mean of x⁴: between its spread and its largest value. */
  readonly sizes: Float32Array;
  /** Of each channel, the mean of x², and the share of elements above zero. */
  readonly squares: Float64Array;
  readonly active: Float64Array;
}

export type Observations = ReadonlyMap<string, Observed>;

/** Runs the float network on one image and gives the values that `keep` names. */
export type FloatRun = (image: number, keep: (name: string) => boolean) => Promise<ReadonlyMap<string, Float32Array>>;

/**
 * Runs the float network on every calibration image and keeps, for each value of the program, its distribution and
 * its mean.
 * @param weigh what the channels of a value count in its weighted distribution
 */
export async function observe(
  graph: FusedGraph,
  images: number,
  run: FloatRun,
  progress: (done: number) => void,
  weigh?: (name: string) => Float64Array,
): Promise<Observations> {
  const names = new Set([graph.input.name, ...graph.layers.map((layer) => layer.name)]);
  const observed = new Map<string, Observed>();
  for (const name of names) {
    const shape = shapeIn(graph, name);
    const mean = new Float32Array(elements(shape));
    const [squares, active] = [new Float64Array(shape[2]), new Float64Array(shape[2])];
    const weighted = weigh && { weighted: new Histogram() };
    const sizes = new Float32Array(shape[2]);
    observed.set(name, { histogram: new Histogram(), ...weighted, mean, sizes, squares, active });
  }
  const weights = new Map(weigh ? [...names].map((name) => [name, weigh(name)] as const) : []);
  for (let image = 0; image < images; image++) {
    const values = await run(image, (name) => names.has(name));
    for (const [name, { histogram, weighted, mean, sizes, squares, active }] of observed) {
      const value = values.get(name);
      if (!value) throw new Error(`the float network gave no value "${name}"`);
      const channels = sizes.length;
      const sample = somePixels(value, channels, image);
      histogram.add(sample);
      weighted?.add(sample, weights.get(name));
      const share = channels / value.length / images;
      for (let first = 0; first < mean.length; first += channels) {
        for (let c = 0; c < channels; c++) {
          const x = value[first + c] ?? 0;
          mean[first + c] = (mean[first + c] ?? 0) + x / images;
          squares[c] = (squares[c] ?? 0) + x * x * share;
          sizes[c] = (sizes[c] ?? 0) + x * x * (x * x) * share;
          if (x > 0) active[c] = (active[c] ?? 0) + share;
        }
      }
    }
    progress(image + 1);
  }
  for (const { sizes } of observed.values()) for (const [c, power] of sizes.entries()) sizes[c] = power ** 0.25;
  return observed;
}

/** Elements of a value that go into its distribution, of each image; a range shows in fewer than all of a large map. */
const SAMPLE = 2 ** 15;

/** Every so manieth pixel, other ones of other images. */
function somePixels(value: Float32Array, channels: number, image: number): Float32Array {
  const pixels = value.length / channels;
  const step = Math.ceil(value.length / SAMPLE);
  if (step === 1) return value;
  const first = image % step;
  const sample = new Float32Array(Math.ceil((pixels - first) / step) * channels);
  for (let pixel = first, at = 0; pixel < pixels; pixel += step, at += channels) {
    sample.set(value.subarray(pixel * channels, (pixel + 1) * channels), at);
  }
  return sample;
}

/** The grid of every value, of 8 bits where that is asked for and possible. Values that an op passes on share theirs. */
export function chooseQuantizations(
  graph: FusedGraph,
  observations: Observations,
  method: RangeMethod,
  bits: 7 | 8,
): ReadonlyMap<string, Quantization> {
  const groups = new Map<string, Set<string>>(graph.layers.map(({ name }) => [name, new Set([name])]));
  for (const layer of graph.layers.filter(keepsScale)) {
    for (const input of layer.inputs) join(groups, layer.name, input);
  }
  const chosen = new Map<string, Quantization>();
  for (const group of new Set(groups.values())) {
    const histogram = new Histogram();
    for (const name of group) {
      const seen = observations.get(name);
      if (!seen) throw new Error(`"${name}" was not observed`);
      histogram.join((method === 'weighted-mse' && seen.weighted) || seen.histogram);
    }
    const wide = bits === 8 && [...group].every((name) => canBeWide(graph, name));
    const quantization = chooseRange(histogram, method, wide ? 255 : 127);
    for (const name of group) chosen.set(name, quantization);
  }
  return chosen;
}

/** Ops that move bytes, or take the larger of two: their output is in the steps of their inputs. */
function keepsScale({ operation }: Layer): boolean {
  return ['concat', 'max-pool', 'flatten', 'copy'].includes(operation.op);
}

function join(groups: Map<string, Set<string>>, a: string, b: string): void {
  const [one, other] = [groups.get(a), groups.get(b)];
  if (!one || !other) throw new Error(`"${b}" cannot share the scale of "${a}": it is not stored in 7 bits`);
  for (const name of other) groups.set(name, one.add(name));
}
