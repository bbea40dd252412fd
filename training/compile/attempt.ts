import { SignalToNoise } from '../graph/signal-to-noise.ts';
import { observe } from './calibrate.ts';
import { type Choice, chooseIntegers } from './choose-options.ts';
import { equalize } from './equalize.ts';
import { FloatNetwork } from './float-network.ts';
import { fuse } from './fuse.ts';
import type { FusedGraph } from './fused-graph.ts';
import { IntegerRun } from './integer-run.ts';
import type { Prepared } from './pipeline.ts';
import type { QuantizeOptions } from './quantize.ts';
import type { QuantizedGraph } from './quantized-graph.ts';

export interface Quantized extends Choice {
  /** The float network that it was made from; to be disposed of. */
  readonly float: FloatNetwork;
  readonly equalized: boolean;
}

/** Ways to quantize are compared on so many images that each takes about this many multiplications, but on 24 at least. */
const TRIAL_MACS = 1e11;
const LEAST_TRIAL_IMAGES = 24;
/** Below this a network is worth a second calibration. */
const POOR_DECIBELS = 20;

/**
 * Calibrates and quantizes; where the output is poor, again with channels made equal in size.
 * @param progress told how many of the images have been run, and in which round
 */
export async function calibrateAndQuantize(
  prepared: Prepared,
  images: readonly Uint8Array[],
  options: QuantizeOptions,
  progress: (done: number, round: 1 | 2) => void,
): Promise<Quantized> {
  const { float, observations, choice } = await attempt(prepared, images, options, (done) => progress(done, 1));
  if (choice.decibels >= POOR_DECIBELS) return { ...choice, float, equalized: false };
  const graph = equalize(prepared.graph, observations);
  const second = await attempt({ ...prepared, graph, fused: fuse(graph) }, images, options, (done) =>
    progress(done, 2),
  );
  const better = second.choice.decibels > choice.decibels;
  (better ? float : second.float).dispose();
  return better ? { ...second.choice, float: second.float, equalized: true } : { ...choice, float, equalized: false };
}

/** Multiplications of convolutions and dense layers. */
function macsOf({ layers, shapes }: FusedGraph): number {
  return layers.reduce((sum, { name, operation }) => {
    const [height, width] = shapes.get(name) ?? [0, 0];
    return 'weights' in operation ? sum + height * width * operation.weights.length : sum;
  }, 1);
}

async function attempt(
  prepared: Prepared,
  images: readonly Uint8Array[],
  options: QuantizeOptions,
  progress: (done: number) => void,
) {
  const float = await FloatNetwork.of(prepared.graph, prepared.pixels);
  const run = (image: number, keep: (name: string) => boolean) => float.run(images[image] ?? new Uint8Array(), keep);
  const observations = await observe(prepared.fused, images.length, run, progress);
  const trials = images.slice(0, Math.max(LEAST_TRIAL_IMAGES, Math.floor(TRIAL_MACS / macsOf(prepared.fused))));
  const expected = await Promise.all(trials.map((image) => float.output(image)));
  const score = (graph: QuantizedGraph): number => {
    const integer = new IntegerRun(graph, false);
    const noise = new SignalToNoise();
    for (const [index, image] of trials.entries()) noise.add(expected[index] ?? new Float32Array(), integer.run(image));
    return noise.decibels;
  };
  return { float, observations, choice: chooseIntegers(prepared, observations, images, options, score) };
}
