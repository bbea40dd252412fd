/**
 * npm run evaluate -- --model ID [--data DIR] [--float ID] [--report DIR] [--record] [--json] [--history FILE]
 *
 * Accuracy of a model folder on the test set, by the code that serves it: figures per class and the confusion matrix.
 * ID stands for models/ID; a path to another model folder does as well. DIR holds Fashion-MNIST's files, or a
 * sub-folder of pictures for each class. --float names the network that it was compiled from, to compare with.
 * --report writes a page with plots and pictures. --record puts the figures, and the temperature that suits the validation images,
 * into manifest and card.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Manifest } from '../functions/catalogue/manifest.ts';
import { ServiceError } from '../functions/errors.ts';
import type { Classifier } from '../functions/runtime/classifier.ts';
import { DataError } from './data/errors.ts';
import type { LabelledImages } from './data/labelled-images.ts';
import { type Evaluation, perClass, summarize } from './evaluate/accuracy.ts';
import { fitTemperature, reliability, wasTrainedOn } from './evaluate/calibration.ts';
import { type DataSet, dataSetFor } from './evaluate/data-sets.ts';
import { compare } from './evaluate/float-and-integer.ts';
import { interval95 } from './evaluate/interval.ts';
import { mistakesOf, takenFor } from './evaluate/mistakes.ts';
import { lossAt, type Predictions, predict } from './evaluate/predictions.ts';
import { loadServedModel } from './evaluate/served-model.ts';
import { recordFindings } from './publish/record.ts';
import { readEpochs } from './report/curves.ts';
import { writeEvaluation } from './report/evaluation.ts';
import type { EvaluationReport } from './report/evaluation-report.ts';
import { runCommand } from './terminal/command.ts';
import { keepErrorReports } from './terminal/error-reports.ts';
import { Progress } from './terminal/progress.ts';
import { table } from './terminal/table.ts';

export interface EvaluateOptions {
  /** A model of `models/`, or the path of its folder. */
  readonly model: string;
  readonly data: string | undefined;
  /** What it was compiled from, to compare with. */
  readonly float?: string | undefined;
  /** Folder to write the page into. */
  readonly report?: string | undefined;
  /** Figures and temperature into the manifest. */
  readonly record?: boolean;
  /** `metrics.jsonl` of the training, where it is not in its usual place. */
  readonly history?: string | undefined;
  readonly json?: boolean;
}

/** @throws DataError, ServiceError saying which of model and data is wrong */
export async function evaluateModel(options: EvaluateOptions): Promise<void> {
  const model = await load(options.model);
  const float = options.float === undefined ? undefined : await load(options.float);
  const data = await dataFor(model, options.data);
  const predictions = await run(model, data.test);
  const result = summarize(predictions);
  console.log(options.json ? JSON.stringify(asJson(model, data.name, result)) : asText(model, data.name, result));
  if (!options.record && options.report === undefined) return;
  const { training, validation } = await data.training();
  const report: EvaluationReport = {
    model: model.manifest,
    dataset: data.name,
    names: model.names,
    result,
    float: float && (await beside(float, predictions)),
    ...calibrate(predictions, await run(model, validation)),
    epochs: await historyOf(
      [options.model, options.float].filter((id) => id !== undefined),
      options.history,
    ),
    skipped: data.skipped,
  };
  if (options.report !== undefined) {
    const images = { training, test: data.test, channels: model.manifest.input.channels };
    console.error(`report in ${await writeEvaluation(options.report, report, images)}`);
  }
  if (options.record) await record(model, report);
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

async function dataFor({ manifest, names }: Loaded, dir: string | undefined): Promise<DataSet> {
  let progress: Progress | undefined;
  const data = await dataSetFor(manifest, names, dir, (done, of) => {
    progress ??= new Progress('reading pictures', of);
    progress.update(done);
  });
  progress?.done();
  for (const { name, why } of data.skipped.slice(0, 20)) console.error(`skipped ${name}: ${why}`);
  if (data.skipped.length > 0) console.error(`${data.skipped.length} files skipped`);
  return data;
}

async function run({ manifest, classifier }: Loaded, images: LabelledImages): Promise<Predictions> {
  const progress = new Progress(manifest.id, images.count);
  const result = await predict(classifier, images, manifest.output.kind, (seen) => progress.update(seen));
  progress.done();
  return result;
}

async function beside(float: Loaded, integer: Predictions): Promise<NonNullable<EvaluationReport['float']>> {
  const { data, classes } = integer;
  if (float.names.length !== classes || float.names.some((name, at) => name !== data.classNames[at])) {
    throw new DataError(`${float.manifest.id} tells other classes apart: it is not what the model was compiled from.`);
  }
  const predictions = await run(float, data);
  return { id: float.manifest.id, result: summarize(predictions), comparison: compare(predictions, integer) };
}

function calibrate(test: Predictions, validation: Predictions): Pick<EvaluationReport, 'calibration' | 'mistakes'> {
  const { n: images, top1: accuracy } = summarize(validation);
  const known = wasTrainedOn(accuracy, images, summarize(test).top1, test.data.count);
  if (known) {
    console.error(
      `${(100 * accuracy).toFixed(1)} % of the validation images are named right, far more than of the test images: it ` +
        'was trained on them, and no temperature can be fitted.',
    );
  }
  const temperature = known ? 1 : fitTemperature(validation);
  const [before, after] = [reliability(test, 1), reliability(test, temperature)];
  return {
    calibration: { images, accuracy, temperature, before, after, loss: lossAt(test, temperature) },
    mistakes: mistakesOf(test, temperature),
  };
}

/** `train` leaves it in `build/training/<id>`, the id being the model's or that of what it was compiled from. */
async function historyOf(ids: readonly string[], file: string | undefined): Promise<EvaluationReport['epochs']> {
  if (file !== undefined) return readEpochs(file);
  for (const id of ids) {
    const epochs = await readEpochs(path.join('build/training', path.basename(id), 'metrics.jsonl'));
    if (epochs.length > 0) return epochs;
  }
  return [];
}

/** Of five classes or fewer the right one is always among the first five. */
const five = (classes: number, top5: number) => (classes > 5 ? { top5 } : {});

async function record(
  { folder, names }: Loaded,
  { dataset, result, float, calibration }: EvaluationReport,
): Promise<void> {
  const { n, top1, top5 } = result;
  const original = float && {
    float: { top1: float.result.top1, ...five(names.length, float.result.top5) },
    agreement: float.comparison.same / float.comparison.n,
  };
  const metrics = {
    dataset,
    n,
    top1,
    ...five(names.length, top5),
    calibrationError: calibration.after.ece,
    ...original,
  };
  const { revision } = await recordFindings(folder, { metrics, temperature: calibration.temperature });
  console.error(`recorded in ${path.join(folder, 'manifest.json')}, revision ${revision}`);
}

function asText({ manifest, names }: Loaded, dataset: string, { n, top1, top5, loss, confusion }: Evaluation): string {
  const figures = perClass(confusion).map(({ precision, recall, f1, support }, at) => [
    `${at} ${names[at]}`,
    ...[precision, recall, f1].map((share) => (Number.isNaN(share) ? '–' : share.toFixed(4))),
    support,
  ]);
  const counts = confusion.map((row, at) => [`${at} ${names[at]}`, ...row]);
  const instead = takenFor(confusion).map(({ label, wrong, most }) => [
    `${label} ${names[label]}`,
    wrong,
    most ? (names[most.label] ?? '') : '–',
    most?.count ?? '–',
  ]);
  const [low, high] = interval95(top1, n);
  return [
    `${manifest.id} revision ${manifest.revision} (${manifest.runtime}) on ${n} images of ${dataset}`,
    `accuracy ${top1.toFixed(4)} (95 %: ${low.toFixed(4)} to ${high.toFixed(4)})   top-5 ${top5.toFixed(4)}   loss ${loss.toFixed(4)}`,
    '',
    table(['class', 'precision', 'recall', 'F1', 'images'], figures),
    '',
    table(['true class / taken for', ...names.map((_, at) => `${at}`)], counts),
    '',
    table(['true class', 'wrong', 'most often taken for', 'times'], instead),
  ].join('\n');
}

/** NaN, where there is nothing to divide by, becomes null. */
function asJson({ manifest, names }: Loaded, dataset: string, result: Evaluation): object {
  const { id, version, revision, runtime } = manifest;
  const classes = perClass(result.confusion).map((figures, at) => ({ label: names[at], ...figures }));
  return {
    model: { id, version, revision, runtime },
    dataset,
    interval: interval95(result.top1, result.n),
    ...result,
    classes,
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: '' },
      data: { type: 'string' },
      json: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
      float: { type: 'string' },
      report: { type: 'string' },
      history: { type: 'string' },
    },
  });
  if (values.model === '') throw new DataError('Say which model: --model fashion-mlp, or the path of its folder.');
  await evaluateModel({ ...values, data: values.data });
}

if (process.argv[1] === import.meta.filename) await runCommand(main, [DataError, ServiceError]);
