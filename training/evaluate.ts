/**
 * npm run evaluate -- --model ID [--data DIR] [--json] [--record [--float ID]]
 *
 * Accuracy of a model folder on the test set, by the code that serves it: figures per class and the confusion matrix.
 * ID stands for models/ID; a path to another model folder does as well. --record puts the figures into its manifest
 * and card, and with --float those of the network that it was compiled from beside them.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Manifest } from '../functions/catalogue/manifest.ts';
import { ServiceError } from '../functions/errors.ts';
import type { Classifier } from '../functions/runtime/classifier.ts';
import { DataError } from './data/errors.ts';
import { loadFashionMnist } from './data/fashion-mnist.ts';
import type { LabelledImages } from './data/labelled-images.ts';
import { type Evaluation, evaluate, perClass } from './evaluate/accuracy.ts';
import { loadServedModel } from './evaluate/served-model.ts';
import { recordMetrics } from './publish/model-folder.ts';
import { runCommand } from './terminal/command.ts';
import { keepErrorReports } from './terminal/error-reports.ts';
import { Progress } from './terminal/progress.ts';
import { table } from './terminal/table.ts';

const DATASET = 'Fashion-MNIST test';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: '' },
      data: { type: 'string' },
      json: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
      float: { type: 'string' },
    },
  });
  if (values.model === '') throw new DataError('Say which model: --model fashion-mlp, or the path of its folder.');
  const model = await load(values.model);
  const float = values.float === undefined ? undefined : await load(values.float);
  const test = await loadFashionMnist('test', { dir: values.data });
  const result = await measure(model, test);
  console.log(values.json ? JSON.stringify(asJson(model, result)) : asText(model, result));
  if (!values.record) return;
  const original = float && (await measure(float, test));
  const { n, top1, top5 } = result;
  const beside = original && { float: { top1: original.top1, top5: original.top5 } };
  await recordMetrics(model.folder, { dataset: DATASET, n, top1, top5, ...beside });
  console.error(`recorded in ${path.join(model.folder, 'manifest.json')}`);
}

interface Loaded {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly names: readonly string[];
  readonly classifier: Classifier;
}

async function load(id: string): Promise<Loaded> {
  const folder = id.includes(path.sep) ? id : path.join('models', id);
  const { manifest, labels, classifier } = await keepErrorReports(() => loadServedModel(folder));
  return { folder, manifest, names: labels.map(({ label }) => label), classifier };
}

async function measure({ manifest, names, classifier }: Loaded, test: LabelledImages): Promise<Evaluation> {
  mustFit(manifest, names, test);
  const progress = new Progress(manifest.id, test.count);
  const result = await evaluate(classifier, test, manifest.output.kind, (seen) => progress.update(seen));
  progress.done();
  return result;
}

/** @throws DataError where the network was made for other images or other classes */
function mustFit({ id, input, classes }: Manifest, names: readonly string[], data: LabelledImages): void {
  const [height, width] = data.shape;
  if (input.width !== width || input.height !== height || input.channels !== 'grey') {
    throw new DataError(
      `${id} takes ${input.width}x${input.height} ${input.channels}; Fashion-MNIST is ${width}x${height} grey.`,
    );
  }
  if (classes !== data.classNames.length || names.some((name, at) => name !== data.classNames[at])) {
    throw new DataError(`${id} tells other classes apart than Fashion-MNIST has: ${names.slice(0, 10).join(', ')}.`);
  }
}

function asText({ manifest, names }: Loaded, { n, top1, top5, loss, confusion }: Evaluation): string {
  const figures = perClass(confusion).map(({ precision, recall, f1, support }, at) => [
    `${at} ${names[at]}`,
    ...[precision, recall, f1].map((share) => (Number.isNaN(share) ? '–' : share.toFixed(4))),
    support,
  ]);
  const counts = confusion.map((row, at) => [`${at} ${names[at]}`, ...row]);
  return [
    `${manifest.id} revision ${manifest.revision} (${manifest.runtime}) on ${n} images of ${DATASET}`,
    `accuracy ${top1.toFixed(4)}   top-5 ${top5.toFixed(4)}   loss ${loss.toFixed(4)}`,
    '',
    table(['class', 'precision', 'recall', 'F1', 'images'], figures),
    '',
    table(['true class / taken for', ...names.map((_, at) => `${at}`)], counts),
  ].join('\n');
}

/** NaN, where there is nothing to divide by, becomes null. */
function asJson({ manifest, names }: Loaded, result: Evaluation): object {
  const { id, version, revision, runtime } = manifest;
  const classes = perClass(result.confusion).map((figures, at) => ({ label: names[at], ...figures }));
  return { model: { id, version, revision, runtime }, dataset: DATASET, ...result, classes };
}

await runCommand(main, [DataError, ServiceError]);
