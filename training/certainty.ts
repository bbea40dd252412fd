/**
 * npm run certainty -- --model ID [--data DIR] [--float ID|FOLDER] [--strange [NAME=]DIR]… [--record]
 *
 * How far the answers of a published model can be trusted, measured on images that did not train it: how near two
 * classes may be before integers exchange them (with --float, the network that it was compiled from), what no class fits
 * (against the pictures of --strange, and against noise), and which labels hold the true one 95 times of 100. Fitted on
 * the validation images (or half of the test images, where it was trained on those), checked on the others; --record puts it into manifest and card.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Certainty } from '../functions/catalogue/certainty.ts';
import { coverageIndex } from '../functions/catalogue/certainty.ts';
import type { Manifest } from '../functions/catalogue/manifest.ts';
import { ServiceError } from '../functions/errors.ts';
import type { Classifier } from '../functions/runtime/classifier.ts';
import type { LogitMethod } from '../functions/runtime/novelty.ts';
import { DataError } from './data/errors.ts';
import type { LabelledImages } from './data/labelled-images.ts';
import { halvesOf } from './data/validation.ts';
import { summarize } from './evaluate/accuracy.ts';
import { wasTrainedOn } from './evaluate/calibration.ts';
import { conformalThresholds, measureSets } from './evaluate/conformal.ts';
import { type DataSet, dataSetFor } from './evaluate/data-sets.ts';
import { checkTies, outputPairs, tieMargin } from './evaluate/near-tie.ts';
import { type Predictions, predict } from './evaluate/predictions.ts';
import { loadServedModel } from './evaluate/served-model.ts';
import { noise, strangeFolder } from './evaluate/strange-images.ts';
import {
  auroc,
  fprAt95,
  novelties,
  noveltiesByPrototypes,
  prototypesOf,
  shareAbove,
  thresholdFor,
} from './evaluate/unknown.ts';
import { recordFindings } from './publish/record.ts';
import { runCommand } from './terminal/command.ts';
import { keepErrorReports } from './terminal/error-reports.ts';
import { Progress } from './terminal/progress.ts';
import { table } from './terminal/table.ts';

export interface CertaintyOptions {
  /** A model of `models/`, or the path of its folder. */
  readonly model: string;
  readonly data: string | undefined;
  readonly float?: string | undefined;
  /** Folders of pictures of other things. */
  readonly strange: readonly string[];
  readonly record?: boolean;
}

const LOGIT_METHODS: readonly LogitMethod[] = ['energy', 'max-logit'];
/** What tells strange images apart less well is no help. */
const LEAST_AUROC = 0.8;
const FALSE_REJECTS = 0.05;
const COVERAGE = 0.95;

/** @throws DataError, ServiceError saying which of model and data is wrong */
export async function measureCertainty(options: CertaintyOptions): Promise<Certainty> {
  const model = await load(options.model);
  const data = await dataSetFor(model.manifest, model.names, options.data, () => {});
  const { fitting, fresh } = await heldOut(model, data);
  const float = options.float === undefined ? undefined : await load(options.float);
  const strange = [noise(model.manifest.input, model.names)];
  for (const folder of options.strange) strange.push(await strangeFolder(folder, model.manifest.input, model.names));
  const runs: Predictions[] = [];
  for (const { data: images } of strange) runs.push(await run(model, images));
  const measured: Measured[] = LOGIT_METHODS.map((method) => ({
    method,
    fitting: novelties(fitting, method),
    fresh: novelties(fresh, method),
    strange: runs.map((one) => novelties(one, method)),
  }));
  const { embed } = model.classifier;
  const prototypes = embed && (await prototypesOf(embed, (await data.training()).training));
  if (embed && prototypes) {
    const of = (images: LabelledImages) => noveltiesByPrototypes(embed, images, prototypes);
    const sets = await each([fitting.data, fresh.data, ...strange.map((one) => one.data)], of);
    const [known = new Float64Array(), test = new Float64Array(), ...others] = sets;
    measured.push({ method: 'prototype', fitting: known, fresh: test, strange: others });
  }
  const names = strange.map(({ name }) => name);
  const found = unknown(measured, names, data.name);
  const certainty: Certainty = {
    ...(float && { nearTie: await nearTie(float, fitting, fresh, data.name) }),
    ...(found && { unknown: found }),
    conformal: conformal(fitting, fresh, model.manifest.output.temperature, data.name),
  };
  if (options.record) {
    const { revision } = await recordFindings(model.folder, {
      certainty,
      ...(found?.method === 'prototype' && { prototypes }),
    });
    console.error(`recorded in ${path.join(model.folder, 'manifest.json')}, revision ${revision}`);
  }
  return certainty;
}

/** The validation images to fit on, the test images to check on; halves of these where the others are known too well. */
async function heldOut(model: Loaded, data: DataSet): Promise<{ fitting: Predictions; fresh: Predictions }> {
  const { validation } = await data.training();
  const [fitting, fresh] = [await run(model, validation), await run(model, data.test)];
  const [known, test] = [summarize(fitting), summarize(fresh)];
  if (!wasTrainedOn(known.top1, known.n, test.top1, test.n)) return { fitting, fresh };
  console.error('it was trained on the validation images: half of the test images take their place');
  const [even, odd] = halvesOf(data.test);
  return { fitting: await run(model, even), fresh: await run(model, odd) };
}

/** One after the other. */
async function each<T, R>(items: readonly T[], make: (item: T) => Promise<R>): Promise<R[]> {
  const made: R[] = [];
  for (const item of items) made.push(await make(item));
  return made;
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

async function run({ manifest, classifier }: Loaded, images: LabelledImages): Promise<Predictions> {
  const progress = new Progress(manifest.id, images.count);
  const result = await predict(classifier, images, manifest.output.kind, (seen) => progress.update(seen));
  progress.done();
  return result;
}

/** The margin of the validation images is checked on the test images; what is kept is that of both. */
async function nearTie(
  float: Loaded,
  fitting: Predictions,
  fresh: Predictions,
  dataset: string,
): Promise<Certainty['nearTie']> {
  const pairs = outputPairs(await run(float, fitting.data), fitting);
  const freshPairs = outputPairs(await run(float, fresh.data), fresh);
  const fitted = tieMargin(pairs);
  const { differing, missed } = checkTies(freshPairs, fitted);
  const margin = tieMargin([...pairs, ...freshPairs]);
  const { flagged } = checkTies(freshPairs, margin);
  console.log(
    `near tie: ${fitted.toFixed(3)} from the validation images misses ${missed} of ${differing} answers that differ; ` +
      `with ${margin.toFixed(3)}, that of all, ${flagged} of ${fresh.data.count} are flagged`,
  );
  if (!(margin > 0)) return undefined;
  return { dataset, images: fitting.data.count + fresh.data.count, margin };
}

/** How strange the images of each set look by one method. */
interface Measured {
  readonly method: NonNullable<Certainty['unknown']>['method'];
  readonly fitting: Float64Array;
  readonly fresh: Float64Array;
  readonly strange: readonly Float64Array[];
}

/** Each method against each set of strange images. @returns the one that tells them best, or nothing if none is of use */
function unknown(measured: readonly Measured[], names: readonly string[], dataset: string): Certainty['unknown'] {
  const found = measured.map(({ method, fitting, fresh, strange }) => {
    const threshold = thresholdFor(fitting, FALSE_REJECTS);
    const others = strange.map((values, at) => ({
      dataset: names[at] ?? '',
      images: values.length,
      auroc: auroc(fresh, values),
      fprAt95: fprAt95(fresh, values),
    }));
    const measuredFalseRejects = shareAbove(fresh, threshold);
    const facts = { falseRejects: FALSE_REJECTS, dataset, images: fitting.length, measuredFalseRejects };
    return { method, threshold, ...facts, others };
  });
  const rows = found.flatMap(({ method, measuredFalseRejects, others }) =>
    others.map((other) => [
      method,
      other.dataset,
      ...[other.auroc, other.fprAt95, measuredFalseRejects].map((share) => share.toFixed(4)),
    ]),
  );
  console.log(table(['unknown by', 'against', 'AUROC', 'FPR at 95 %', 'known ones rejected'], rows));
  const least = ({ others }: (typeof found)[number]) => Math.min(...others.map((other) => other.auroc));
  const best = found.reduce((a, b) => (least(b) > least(a) ? b : a));
  if (least(best) >= LEAST_AUROC) return best;
  console.log(
    `no method tells all of them with an AUROC of at least ${LEAST_AUROC}: nothing is said of what is unknown`,
  );
  return undefined;
}

function conformal(
  fitting: Predictions,
  fresh: Predictions,
  temperature: number,
  dataset: string,
): NonNullable<Certainty['conformal']> {
  const thresholds = conformalThresholds(fitting, temperature);
  const { coverage, meanSize } = measureSets(fresh, temperature, thresholds[coverageIndex(COVERAGE)] ?? 0);
  console.log(
    `sets for ${100 * COVERAGE} % hold ${(100 * coverage).toFixed(2)} % of ${fresh.data.count} fresh images, ${meanSize.toFixed(3)} labels each`,
  );
  const counts = { images: fitting.data.count, freshImages: fresh.data.count };
  return { dataset, ...counts, thresholds, coverageAt95: coverage, meanSizeAt95: meanSize };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: '' },
      data: { type: 'string' },
      float: { type: 'string' },
      strange: { type: 'string', multiple: true, default: [] },
      record: { type: 'boolean', default: false },
    },
  });
  if (values.model === '') throw new DataError('Say which model: --model fashion-mlp, or the path of its folder.');
  await measureCertainty({ ...values, data: values.data });
}

if (process.argv[1] === import.meta.filename) await runCommand(main, [DataError, ServiceError]);
