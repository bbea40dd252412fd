import { SignalToNoise } from '../graph/signal-to-noise.ts';
import { type Observations, observe } from './calibrate.ts';
import { type Choice, chooseIntegers } from './choose-options.ts';
import { equalize } from './equalize.ts';
import { FloatNetwork } from './float-network.ts';
import { fuse } from './fuse.ts';
import type { FusedGraph } from './fused-graph.ts';
import { IntegerRun } from './integer-run.ts';
import type { Prepared } from './pipeline.ts';
import type { QuantizeOptions } from './quantize.ts';
import type { QuantizedGraph } from './quantized-graph.ts';
import { type Spending, spendOnW4 } from './spend-on-w4.ts';

/** With its weights made to fit the fastest kernels. */
interface Fitted extends Choice {
  readonly spending: Spending;
}

export interface Quantized extends Fitted {
  /** The float network that it was made from; to be disposed of. */
  readonly float: FloatNetwork;
  readonly equalized: boolean;
}

/** Ways to quantize are compared on so many images that each takes about this many multiplications, but on 24 at least. */
const TRIAL_MACS = 1e11;
const LEAST_TRIAL_IMAGES = 24;
/** Below this a network is worth a second calibration. */
const POOR_DECIBELS = 20;

/** Scaling channels changes which of them are large beside others; a second time settles it. */
const EQUALIZATIONS = 2;

/**
 * Calibrates and quantizes; where the output is poor, again with channels made equal in size.
 * @param progress told how many of the images have been run, and in which round of calibration
 */
export async function calibrateAndQuantize(
  prepared: Prepared,
  images: readonly Uint8Array[],
  options: QuantizeOptions,
  progress: (done: number, round: number) => void,
): Promise<Quantized> {
  const first = await calibrate(prepared, images, (done) => progress(done, 0));
  const choice = await choose(first, images, options);
  if (choice.decibels >= POOR_DECIBELS) return { ...choice, float: first.float, equalized: false };
  let equal = first;
  for (let round = 1; round <= EQUALIZATIONS; round++) {
    const graph = equalize(equal.prepared.graph, equal.observations);
    if (equal !== first) equal.float.dispose();
    equal = await calibrate({ ...prepared, graph, fused: fuse(graph) }, images, (done) => progress(done, round));
  }
  const second = await choose(equal, images, options);
  const better = second.decibels > choice.decibels;
  (better ? first : equal).float.dispose();
  return better
    ? { ...second, float: equal.float, equalized: true }
    : { ...choice, float: first.float, equalized: false };
}

interface Calibrated {
  readonly prepared: Prepared;
  readonly float: FloatNetwork;
  readonly observations: Observations;
}

async function calibrate(
  prepared: Prepared,
  images: readonly Uint8Array[],
  progress: (done: number) => void,
): Promise<Calibrated> {
  const float = await FloatNetwork.of(prepared.graph, prepared.pixels);
  const run = (image: number, keep: (name: string) => boolean) => float.run(images[image] ?? new Uint8Array(), keep);
  return { prepared, float, observations: await observe(prepared.fused, images.length, run, progress) };
}

async function choose(
  { prepared, float, observations }: Calibrated,
  images: readonly Uint8Array[],
  options: QuantizeOptions,
): Promise<Fitted> {
  const trials = images.slice(0, Math.max(LEAST_TRIAL_IMAGES, Math.floor(TRIAL_MACS / macsOf(prepared.fused))));
  const expected = await Promise.all(trials.map((image) => float.output(image)));
  const score = (graph: QuantizedGraph): number => {
    const integer = new IntegerRun(graph, false);
    const noise = new SignalToNoise();
    for (const [index, image] of trials.entries()) noise.add(expected[index] ?? new Float32Array(), integer.run(image));
    return noise.decibels;
  };
  const choice = chooseIntegers(prepared, observations, images, options, score);
  const spending = spendOnW4(choice.graph, observations, score);
  return { ...choice, graph: spending.graph, decibels: spending.decibels, spending };
}

/** Multiplications of convolutions and dense layers. */
function macsOf({ layers, shapes }: FusedGraph): number {
  return layers.reduce((sum, { name, operation }) => {
    const [height, width] = shapes.get(name) ?? [0, 0];
    return 'weights' in operation ? sum + height * width * operation.weights.length : sum;
  }, 1);
}
