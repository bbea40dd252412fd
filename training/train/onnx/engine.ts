import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Parameter } from '../../architectures/layer.ts';
import type { Batch, BatchGradients, GradientEngine, NamedArrays } from '../gradient-engine.ts';
import { randomNumbers, seedOf } from '../random.ts';
import { blockOfChannels } from './blocked-channels.ts';
import { crossEntropy } from './cross-entropy.ts';
import {
  INPUTS,
  type Layers,
  parametersByName,
  scoresGraph,
  type TrainingGraph,
  trainingGraph,
} from './network-graph.ts';
import type { Of } from './step.ts';

/**
 * Forward and backward by onnxruntime on the CPU: one graph from pixels and parameters to gradients. Dropout drops the
 * same values as with TF.js.
 */
export async function createOnnxEngine(network: Layers, { threads }: { threads: number }): Promise<GradientEngine> {
  const block = await blockOfChannels();
  const inference = scoresGraph(network, block);
  const options = {
    ...({ executionProviders: ['cpu'], graphOptimizationLevel: 'all', executionMode: 'sequential' } as const),
    ...({ intraOpNumThreads: threads, interOpNumThreads: 1, logSeverityLevel: 3 } as const),
    // Threads that wait leave the core to other work.
    extra: { session: { intra_op: { allow_spinning: '0' }, set_denormal_as_zero: '1' } },
  };
  const scorer = await InferenceSession.create(inference.model, options);
  /** For batches of whole blocks, and for others. */
  const trainers = new Map<boolean, { readonly training: TrainingGraph; readonly session: InferenceSession }>();
  const trainerFor = async (count: number) => {
    const wholeBlocks = block > 1 && count % block === 0;
    const made = trainers.get(wholeBlocks);
    if (made) return made;
    const training = trainingGraph(network, block, wholeBlocks);
    const trainer = { training, session: await InferenceSession.create(training.model, options) };
    trainers.set(wholeBlocks, trainer);
    return trainer;
  };
  const shapes = parametersByName(network);
  const pixelsOf = (pixels: Float32Array, count: number) =>
    new Tensor('float32', pixels, [count, ...network.input.shape]);

  return {
    title: `onnxruntime, ${threads === 1 ? '1 thread' : `${threads} threads`}`,
    async gradients(parameters, batch, seed) {
      const { count, targets } = batch;
      const { training, session } = await trainerFor(count);
      const results = await session.run({
        ...parameterTensors(session, shapes, parameters),
        ...maskTensors(training.dropouts, count, seed),
        [INPUTS.pixels]: pixelsOf(batch.pixels, count),
        [INPUTS.targets]: new Tensor('float32', targets, [count, targets.length / count]),
        [INPUTS.perImage]: new Tensor('float32', Float32Array.of(1 / count), []),
      });
      return read(results, training, batch);
    },
    async scores(parameters, pixels, count) {
      const feeds = { ...parameterTensors(scorer, shapes, parameters), [INPUTS.pixels]: pixelsOf(pixels, count) };
      return floats(await scorer.run(feeds), inference.scores);
    },
    async dispose() {
      for (const { session } of trainers.values()) await session.release();
      await scorer.release();
    },
  };
}

type Feeds = Record<string, Tensor>;

/** Those that the session reads. */
function parameterTensors(
  session: InferenceSession,
  shapes: ReadonlyMap<string, Parameter>,
  parameters: NamedArrays,
): Feeds {
  const feeds: Feeds = {};
  for (const name of session.inputNames) {
    const parameter = shapes.get(name);
    if (!parameter) continue;
    const values = parameters.get(name);
    if (!values) throw new Error(`The network has no parameter ${name}`);
    feeds[name] = new Tensor('float32', values, parameter.shape);
  }
  return feeds;
}

/** 0 where a value is dropped, 1 / (1 − rate) elsewhere, in the order NHWC. */
function maskTensors(dropouts: TrainingGraph['dropouts'], count: number, seed: number): Feeds {
  return Object.fromEntries(
    dropouts.map(({ layer, index }) => {
      const dims = [count, ...(layer.vector ? layer.output.slice(2) : layer.output)];
      return [`${INPUTS.mask}${layer.name}`, new Tensor('float32', mask(layer, dims, seedOf(seed, index)), dims)];
    }),
  );
}

function mask({ rate }: Of<'dropout'>, dims: readonly number[], seed: number): Float32Array {
  const random = randomNumbers(seed);
  const length = dims.reduce((product, side) => product * side, 1);
  return Float32Array.from({ length }, () => (random() < rate ? 0 : 1 / (1 - rate)));
}

function read(
  results: InferenceSession.OnnxValueMapType,
  { logits, gradients, statistics }: TrainingGraph,
  batch: Batch,
): BatchGradients {
  const named = (outputs: ReadonlyMap<string, string>) =>
    new Map(Array.from(outputs, ([name, output]) => [name, floats(results, output)]));
  return {
    ...crossEntropy(floats(results, logits), batch),
    gradients: named(gradients),
    statistics: named(statistics),
  };
}

function floats(results: InferenceSession.OnnxValueMapType, name: string): Float32Array {
  const data = results[name]?.data;
  if (!(data instanceof Float32Array)) throw new Error(`onnxruntime gave no floats for ${name}`);
  return data;
}
