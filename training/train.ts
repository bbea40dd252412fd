/**
 * npm run train -- --model NAME [--epochs N] [--seed N] [--data DIR [--size 28…224] [--channels rgb|grey]]
 *   [--backend auto|onnx|webgpu|wasm|cpu|node-gpu] [--workers N] [--resume] [--id ID] [--out DIR]
 *
 * Trains a network on Fashion-MNIST, or on a folder with a sub-folder a class, publishes the float model as ID-float and
 * what it compiles to as ID, and measures both. --resume goes on where the same command was interrupted.
 *
 * npm run train -- --head-on ID|FILE --data DIR --id NEW: another last layer for a network that is there (head.ts).
 */
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import type { ModelInput } from '../functions/catalogue/manifest.ts';
import { ServiceError } from '../functions/errors.ts';
import { fileModules } from '../functions/file-modules.ts';
import { loadTfjsClassifier } from '../functions/runtime/tfjs/classifier.ts';
import { type Network, summaryRows } from './architectures/network.ts';
import { OF_PHOTOGRAPHS, type Recipe } from './architectures/recipe.ts';
import { toGraph } from './architectures/to-graph.ts';
import { toTfjs } from './architectures/to-tfjs.ts';
import { compileModel } from './compile.ts';
import { DataError } from './data/errors.ts';
import { imageAt, type LabelledImages } from './data/labelled-images.ts';
import { loadTrainingSet, type TrainingSet } from './data/training-set.ts';
import { measureTfjsMemory } from './evaluate/tfjs-memory.ts';
import { evaluateModel } from './evaluate.ts';
import { GraphError } from './graph/graph.ts';
import { layerSummary } from './graph/summary.ts';
import { trainHeadOn } from './head.ts';
import { publishModel } from './publish/model-folder.ts';
import { runCommand } from './terminal/command.ts';
import { keepErrorReports } from './terminal/error-reports.ts';
import { duration, Progress } from './terminal/progress.ts';
import { TrainingError } from './train/errors.ts';
import { type FitPlan, fitNetwork } from './train/fit.ts';
import type { GradientEngine, NamedArrays } from './train/gradient-engine.ts';
import { saveLayersModel } from './train/layers-model.ts';
import { openEngine } from './train/open-engine.ts';
import { type TrainOptions, trainOptions } from './train/options.ts';
import { RunFolder } from './train/run-folder.ts';
import { type Best, initialState, type TrainingState } from './train/state.ts';

const RUNS = 'build/training';
const LICENCE = 'Apache-2.0';
/** To compile with: one half calibrates, the other one checks. */
const PICTURES = 400;

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args.some((arg) => /^--head-on(=|$)/.test(arg))) return trainHeadOn(args);
  const options = trainOptions(args);
  const data = await load(options);
  const network = options.architecture.network(data.training.shape, data.training.classNames.length);
  console.log(layerSummary(summaryRows(network), network.name));
  const plan = { ...data, recipe: recipeOf(options, data.training), seed: options.seed };
  const state = initialState(network, options.seed);
  const run = runFolder(network, plan, options);
  if (options.resume) await run.resume(state);
  else await run.begin();
  const { backend, engine } = await openEngine(network, options.backend, options.workers);
  const { batchSize } = plan.recipe;
  console.log(
    `${data.training.count} images in batches of ${batchSize}, ${data.validation.count} to validate; ${engine.title}`,
  );
  const best = await train(engine, plan, state, run);
  await engine.dispose();
  await publish(network, best.parameters, data, options, commandOf(options, data.input, backend));
}

/** The architecture's, for as many epochs as asked for; pictures in colour are taken for photographs. */
function recipeOf({ architecture, epochs }: TrainOptions, { shape }: LabelledImages): Recipe {
  const { augmentation } = architecture.recipe;
  const photographs = shape[2] === 3 ? OF_PHOTOGRAPHS : {};
  return { ...architecture.recipe, epochs, augmentation: { ...augmentation, ...photographs } };
}

async function load({ data, size, channels }: TrainOptions): Promise<TrainingSet> {
  let progress: Progress | undefined;
  const loaded = await loadTrainingSet(data, { size, channels }, (done, of) => {
    progress ??= new Progress('reading pictures', of);
    progress.update(done);
  });
  progress?.done();
  for (const { name, why } of loaded.skipped.slice(0, 20)) console.error(`skipped ${name}: ${why}`);
  if (loaded.skipped.length > 0) console.error(`${loaded.skipped.length} files skipped`);
  return loaded;
}

function runFolder(network: Network, { recipe, training, seed }: FitPlan, { id }: TrainOptions): RunFolder {
  const { epochs, ...rest } = recipe;
  const identity = {
    network: network.name,
    images: training.count,
    shape: training.shape.join('x'),
    classes: training.classNames.join(', '),
    seed,
    epochs,
    recipe: JSON.stringify(rest),
  };
  return new RunFolder(path.join(RUNS, id), identity, (text) => console.error(`\n${text}`));
}

/** One line an epoch. @returns what did best in validation */
async function train(engine: GradientEngine, plan: FitPlan, state: TrainingState, run: RunFolder): Promise<Best> {
  const { epochs } = plan.recipe;
  let line: Progress | undefined;
  let [start, shown] = [performance.now(), state.running.seen];
  if (state.step > 0) console.log(`going on after step ${state.step}`);
  const end = await fitNetwork(engine, plan, state, {
    onStep({ epoch, seen, of, loss, accuracy }) {
      line ??= new Progress(`epoch ${epoch}/${epochs}`, of);
      line.update(seen, figuresOf(loss, accuracy));
    },
    async onEpoch(figures) {
      const { epoch, seen, loss, accuracy, validation, best } = figures;
      const seconds = (performance.now() - start) / 1000;
      const left = epoch < epochs ? `, ${duration(seconds * (epochs - epoch))} left` : '';
      const validated = `validation ${figuresOf(validation.loss, validation.accuracy)}${best ? ' (best)' : ''}`;
      line?.done(`${figuresOf(loss, accuracy)}, ${validated}${left}`);
      line = undefined;
      await run.log(figures, (seen - shown) / seconds);
      [start, shown] = [performance.now(), 0];
    },
    save: (saved) => run.save(saved),
  });
  const { best } = state;
  if (!best) throw new TrainingError('No epoch was finished: nothing is published.');
  const why = end === 'finished' ? '' : 'Validation gets no better: stopped early. ';
  console.log(`${why}Best in validation: epoch ${best.epoch}, ${figuresOf(best.loss, best.accuracy)}`);
  return best;
}

const figuresOf = (loss: number, accuracy: number) => `loss ${loss.toFixed(4)} accuracy ${accuracy.toFixed(4)}`;

/** The float model, the integer model made of it, and the figures and report of both on the test set. */
async function publish(
  network: Network,
  parameters: NamedArrays,
  { training, input, name, source: trainedOn }: TrainingSet,
  { id, out, seed, data }: TrainOptions,
  command: string,
): Promise<void> {
  const source = `Trained from random weights on ${trainedOn}`;
  const provenance = { source, licence: LICENCE, command, seed };
  const labels = training.classNames.map((label) => ({ label }));
  const [title, floatOut] = [`${name}: ${network.title}`, `${out}-float`];
  await publishFloat(floatOut, network, parameters, { title, labels, input, provenance });
  const graph = toGraph(network.input, network.layers, (layer, { name }) => read(parameters, `${layer.name}/${name}`));
  const options = {
    ...{ id, out, source, licence: LICENCE, title: `${title}, int8` },
    ...({ from: path.join(floatOut, 'model.json'), calibrate: '', labels: undefined, feeding: 'fashion' } as const),
    ...({ minAgreement: 0.9, denseBits: 8 } as const),
  };
  const count = summaryRows(network).reduce((sum, row) => sum + row.trainable, 0);
  const supplied = { input, pictures: evenly(training, PICTURES), labels, parameters: count, command, seed };
  const { reportPage } = await compileModel(options, graph, supplied);
  console.log(`integer model in ${out}; ${reportPage}`);
  const report = path.join(RUNS, id, 'report');
  await evaluateModel({ model: path.resolve(out), float: path.resolve(floatOut), data, record: true, report });
}

async function publishFloat(
  dir: string,
  network: Network,
  parameters: NamedArrays,
  facts: Pick<Parameters<typeof publishModel>[1], 'title' | 'labels' | 'input' | 'provenance'>,
): Promise<void> {
  // Only to hold the weights while they are written: its advice to compute with something faster is not for us.
  tf.enableProdMode();
  await import('@tensorflow/tfjs-backend-cpu');
  await tf.setBackend('cpu');
  const model = toTfjs(network, (layer, { name }) => read(parameters, `${layer.name}/${name}`));
  const { topology, weights } = await saveLayersModel(model);
  model.dispose();
  const { shape } = network.input;
  const { scale, offset } = facts.input;
  const served = { backend: fileModules.tfjs, topology: topology([]), weights: weights.buffer, shape, scale, offset };
  const classifier = await keepErrorReports(() => loadTfjsClassifier(served));
  const memory = await measureTfjsMemory(classifier, shape[0] * shape[1] * shape[2]);
  const features = await classifier.embed?.(new Uint8Array(shape[0] * shape[1] * shape[2]));
  await publishModel(dir, {
    ...facts,
    ...(features && { embedding: { dims: features.values.length } }),
    id: path.basename(dir),
    runtime: 'tfjs',
    parameters: weights.length / Float32Array.BYTES_PER_ELEMENT,
    output: { kind: 'softmax', temperature: 1 },
    memory,
    weights,
    network: {
      path: 'model.json',
      role: 'topology',
      content: (shards) => new TextEncoder().encode(JSON.stringify(topology(shards))),
    },
  });
}

function read(parameters: NamedArrays, name: string): Float32Array {
  const values = parameters.get(name);
  if (!values) throw new Error(`Training left no ${name}`);
  return values;
}

function evenly(data: LabelledImages, count: number): Uint8Array[] {
  const chosen = Math.min(count, data.count);
  return Array.from({ length: chosen }, (_, n) => imageAt(data, Math.floor((n * data.count) / chosen)));
}

/** What makes the same model again, wherever the data lie. */
function commandOf(
  { name, epochs, seed, workers, id, data, size }: TrainOptions,
  { resize, channels }: ModelInput,
  backend: string,
): string {
  const own = data !== undefined && resize.rule !== 'fashion';
  const pictures = own ? ` --data ${path.basename(data)} --size ${size} --channels ${channels}` : '';
  const shared = workers === 1 ? '' : ` --workers ${workers}`;
  const named = id === name ? '' : ` --id ${id}`;
  return `npm run train -- --model ${name} --epochs ${epochs} --seed ${seed} --backend ${backend}${shared}${pictures}${named}`;
}

await runCommand(main, [DataError, GraphError, ServiceError, TrainingError]);
