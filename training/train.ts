/**
 * npm run train -- --model NAME [--epochs N] [--seed N] [--data DIR] [--backend auto|webgpu|wasm|cpu]
 *                  [--id ID] [--out DIR]
 *
 * Trains a network on Fashion-MNIST and writes it as a model folder that the Worker serves.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { fileModules } from '../functions/file-modules.ts';
import { loadTfjsClassifier } from '../functions/runtime/tfjs/classifier.ts';
import { ARCHITECTURES, type Architecture } from './architectures/table.ts';
import { DataError } from './data/errors.ts';
import { loadFashionMnist } from './data/fashion-mnist.ts';
import type { LabelledImages } from './data/labelled-images.ts';
import { evaluate } from './evaluate/accuracy.ts';
import { measureTfjsMemory } from './evaluate/tfjs-memory.ts';
import { publishModel } from './publish/model-folder.ts';
import { runCommand } from './terminal/command.ts';
import { keepErrorReports } from './terminal/error-reports.ts';
import { duration, Progress } from './terminal/progress.ts';
import { BACKENDS, type Backend, startBackend } from './train/backend.ts';
import { TrainingError } from './train/errors.ts';
import { fitModel } from './train/fit.ts';
import { saveLayersModel } from './train/layers-model.ts';

const SCALE = 1 / 255;

interface Plan {
  readonly name: string;
  readonly architecture: Architecture;
  readonly epochs: number;
  readonly seed: number;
  readonly backend: (typeof BACKENDS)[number] | 'auto';
  readonly dataDir: string | undefined;
  readonly out: string;
}

async function main(): Promise<void> {
  const plan = readPlan(process.argv.slice(2));
  const training = await loadFashionMnist('train', { dir: plan.dataDir });
  const test = await loadFashionMnist('test', { dir: plan.dataDir });
  const backend = await startBackend(plan.backend);
  const model = plan.architecture.build(plan.seed);
  model.summary();
  console.log(`${training.count} images, batches of ${plan.architecture.recipe.batchSize}, ${backend.title}`);
  await train(model, training, plan);
  await publish(model, test, plan, backend);
}

function readPlan(args: string[]): Plan {
  const { values } = parseArgs({
    args,
    options: {
      model: { type: 'string' },
      epochs: { type: 'string' },
      seed: { type: 'string', default: '1' },
      backend: { type: 'string', default: 'auto' },
      data: { type: 'string' },
      id: { type: 'string' },
      out: { type: 'string' },
    },
  });
  const name = values.model ?? '';
  const architecture = Object.hasOwn(ARCHITECTURES, name) ? ARCHITECTURES[name] : undefined;
  if (!architecture) {
    throw new TrainingError(`--model is one of ${Object.keys(ARCHITECTURES).join(', ')}, not "${name}".`);
  }
  const backend = ([...BACKENDS, 'auto'] as const).find((known) => known === values.backend);
  if (!backend) {
    throw new TrainingError(`--backend is one of auto, ${BACKENDS.join(', ')}, not "${values.backend}".`);
  }
  const out = values.out ?? path.join('models', values.id ?? name);
  if (values.id !== undefined && path.basename(out) !== values.id) {
    throw new TrainingError(`A model's folder has the name of its id: --out ${out} cannot hold --id ${values.id}.`);
  }
  return {
    name,
    architecture,
    epochs: values.epochs === undefined ? architecture.recipe.epochs : wholeNumber('--epochs', values.epochs, 1),
    seed: wholeNumber('--seed', values.seed, 0),
    backend,
    dataDir: values.data,
    out,
  };
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < least || value > 2 ** 31) {
    throw new TrainingError(`${option} takes a whole number of at least ${least}, not "${text}".`);
  }
  return value;
}

/** One line an epoch. */
async function train(model: LayersModel, data: LabelledImages, { architecture, epochs, seed }: Plan): Promise<void> {
  const start = performance.now();
  const lineOf = (epoch: number) => new Progress(`epoch ${epoch}/${epochs}`, data.count);
  let line = lineOf(1);
  await fitModel(model, data, {
    ...architecture.recipe,
    epochs,
    seed,
    scale: SCALE,
    onProgress({ epoch, seen, loss, accuracy }) {
      const figures = `loss ${loss.toFixed(4)} accuracy ${accuracy.toFixed(4)}`;
      if (seen < data.count) return line.update(seen, figures);
      const seconds = (performance.now() - start) / 1000;
      const left = (seconds / epoch) * (epochs - epoch);
      line.done(epoch < epochs ? `${figures}, ${duration(left)} left` : figures);
      line = lineOf(epoch + 1);
    },
  });
}

/** Measures on the test set what will be served, as it will be served, and writes it. */
async function publish(model: LayersModel, test: LabelledImages, plan: Plan, backend: Backend): Promise<void> {
  const { topology, weights } = await saveLayersModel(model);
  const shape = plan.architecture.shape;
  // The edge's own WASM backend takes the place of the one that trained.
  model.dispose();
  const served = { backend: fileModules.tfjs, topology: topology([]), weights: weights.buffer, shape };
  const classifier = await keepErrorReports(() => loadTfjsClassifier({ ...served, scale: [SCALE], offset: [0] }));
  const memory = await measureTfjsMemory(classifier, shape[0] * shape[1] * shape[2]);
  const { n, top1, top5, loss } = await evaluate(classifier, test, 'softmax');
  console.log(`test loss ${loss.toFixed(4)}, test accuracy ${top1.toFixed(4)}`);
  const manifest = await publishModel(plan.out, {
    id: path.basename(plan.out),
    title: plan.architecture.title,
    runtime: 'tfjs',
    parameters: weights.length / Float32Array.BYTES_PER_ELEMENT,
    labels: test.classNames.map((label) => ({ label })),
    input: {
      width: shape[1],
      height: shape[0],
      channels: 'grey',
      resize: { rule: 'fashion' },
      scale: [SCALE],
      offset: [0],
    },
    output: { kind: 'softmax', temperature: 1 },
    memory,
    metrics: { dataset: 'Fashion-MNIST test', n, top1, top5 },
    provenance: {
      source: 'Trained from random weights on the 60,000 training images of Fashion-MNIST (Zalando SE, MIT licence)',
      licence: 'Apache-2.0',
      command: commandOf(plan, backend),
      seed: plan.seed,
    },
    weights,
    network: {
      path: 'model.json',
      role: 'topology',
      content: (shards) => new TextEncoder().encode(JSON.stringify(topology(shards))),
    },
  });
  console.log(`${plan.out}: revision ${manifest.revision}, version ${manifest.version.slice(0, 12)}`);
}

/** What makes the same model again, wherever the data lie. */
function commandOf({ name, epochs, seed, out }: Plan, backend: Backend): string {
  const id = path.basename(out) === name ? '' : ` --id ${path.basename(out)}`;
  return `npm run train -- --model ${name} --epochs ${epochs} --seed ${seed} --backend ${backend.name}${id}`;
}

await runCommand(main, [DataError, TrainingError]);
