import { SignalToNoise } from '../graph/signal-to-noise.ts';
import { type Observations, observe } from './calibrate.ts';
import { type Choice, chooseIntegers } from './choose-options.ts';
import { equalize } from './equalize.ts';
import { FloatNetwork } from './float-network.ts';
import { fuse } from './fuse.ts';
import type { FusedGraph } from './fused-graph.ts';
import { IntegerRun } from './integer-run.ts';
import type { IntegerOptions, Prepared } from './pipeline.ts';
import type { QuantizeOptions } from './quantize.ts';
import type { QuantizedGraph } from './quantized-graph.ts';
import { sensitivities } from './sensitivity.ts';
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
/** Below this it is worth slower kernels: at 11 dB one first class in ten differs (a MobileNetV3). */
const VERY_POOR_DECIBELS = 15;
/** What 8 bits have to bring for that, of the 6 that half the step is worth where activations lose most. */
const LEAST_GAIN_DECIBELS = 1;

/**
 * Calibrates and quantizes; where the output is poor, again with channels made equal in size, and ranges that count
 * each channel for what its errors do to the output; where it still is very poor, with 8-bit activations.
 * @param progress told how many of the images have been run, and in which round of calibration
 */
export async function calibrateAndQuantize(
  prepared: Prepared,
  images: readonly Uint8Array[],
  options: QuantizeOptions,
  progress: (done: number, round: number) => void,
): Promise<Quantized> {
  const first = await calibrate(prepared, images, (done) => progress(done, 0));
  const narrow = { ...options, activationBits: 7 } as const;
  const choice = await choose(first, images, narrow);
  if (choice.decibels >= POOR_DECIBELS) return { ...choice, float: first.float, equalized: false };
  const weights = sensitivities(prepared.fused, first.observations);
  const { graph, scalesOf } = equalize(prepared.graph, first.observations);
  const again = { ...prepared, graph, fused: fuse(graph) };
  // An error of a channel that was divided by s is multiplied by s.
  const weigh = (name: string) => scalesOf(name).map((scale, c) => (weights.get(name)?.[c] ?? 0) * scale ** 2);
  const equal = await calibrate(again, images, (done) => progress(done, 1), weigh);
  const second = await choose(equal, images, narrow);
  const equalized = second.decibels > choice.decibels;
  const [calibrated, best] = equalized ? [equal, second] : [first, choice];
  (equalized ? first : equal).float.dispose();
  const { float } = calibrated;
  if (best.decibels >= VERY_POOR_DECIBELS) return { ...best, float, equalized };
  const wide = await choose(calibrated, images, { ...options, activationBits: 8 });
  return { ...(wide.decibels > best.decibels + LEAST_GAIN_DECIBELS ? wide : best), float, equalized };
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
  weigh?: (name: string) => Float64Array,
): Promise<Calibrated> {
  const float = await FloatNetwork.of(prepared.graph, prepared.pixels);
  const run = (image: number, keep: (name: string) => boolean) => float.run(images[image] ?? new Uint8Array(), keep);
  return { prepared, float, observations: await observe(prepared.fused, images.length, run, progress, weigh) };
}

async function choose(
  { prepared, float, observations }: Calibrated,
  images: readonly Uint8Array[],
  options: Omit<IntegerOptions, 'ranges'>,
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
