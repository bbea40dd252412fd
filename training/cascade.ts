/**
 * npm run cascade -- --id auto --first SMALL --second LARGE [--data DIR] [--agreement 0.995] [--models DIR]
 *
 * POST /classify/auto asks SMALL, and LARGE where SMALL is not sure: by the least margin between its first two
 * probabilities with which both agree on so many of the validation images. What the test images say of it is printed,
 * and written with it into models/cascades.json and both cards.
 */
import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type Cascade, cascadeSchema, checkedCascades } from '../functions/catalogue/cascade.ts';
import { ServiceError } from '../functions/errors.ts';
import { indexOfFolder } from '../functions/file-assets.ts';
import { DataError } from './data/errors.ts';
import type { LabelledImages } from './data/labelled-images.ts';
import { marginFor, measureCascade, stagesOf } from './evaluate/cascade.ts';
import { dataSetFor } from './evaluate/data-sets.ts';
import { predict } from './evaluate/predictions.ts';
import { loadServedModel } from './evaluate/served-model.ts';
import { recordFindings } from './publish/record.ts';
import { runCommand } from './terminal/command.ts';
import { keepErrorReports } from './terminal/error-reports.ts';

export interface CascadeOptions {
  readonly id: string;
  readonly first: string;
  readonly second: string;
  readonly data?: string | undefined;
  readonly agreement: number;
  readonly models: string;
}

/** @throws DataError, ServiceError */
export async function makeCascade({
  id,
  first,
  second,
  data: dir,
  agreement,
  models,
}: CascadeOptions): Promise<Cascade> {
  const [small, large] = [await load(models, first), await load(models, second)];
  if (small.manifest.task === 'multilabel' || large.manifest.task === 'multilabel')
    throw new DataError('A cascade is of models whose classes exclude each other.');
  const names = large.labels.map(({ label }) => label);
  if (small.labels.length !== names.length || small.labels.some(({ label }, at) => label !== names[at])) {
    throw new DataError(`${first} tells other classes apart than ${second}.`);
  }
  const { macs: firstMacs, output } = small.manifest;
  const { macs: secondMacs } = large.manifest;
  if (firstMacs === undefined || secondMacs === undefined)
    throw new DataError('Both models have to say their multiplications.');
  const data = await dataSetFor(large.manifest, names, dir, () => {});
  const run = async (images: LabelledImages) =>
    stagesOf(
      { predictions: await predict(small.classifier, images, output.kind), temperature: output.temperature },
      await predict(large.classifier, images, large.manifest.output.kind),
    );
  const margin = Number(marginFor(await run((await data.training()).validation), agreement).toFixed(6));
  const figures = measureCascade(await run(data.test), margin);
  const meanMacs = firstMacs + (1 - figures.answeredByFirst) * secondMacs;
  const measured = { dataset: data.name, images: data.test.count, ...figures, meanMacs, secondMacs };
  const cascade = cascadeSchema.parse({ first, second, margin, measured });
  const file = path.join(models, 'cascades.json');
  const before = existsSync(file) ? JSON.parse(await readFile(file, 'utf8')) : {};
  const all = checkedCascades({ ...before, [id]: cascade }, (await indexOfFolder(models)).models);
  await writeFile(`${file}.new`, `${JSON.stringify(all, null, 2)}\n`);
  await rename(`${file}.new`, file);
  for (const model of [first, second]) await recordFindings(path.join(models, model), {});
  return cascade;
}

const load = (models: string, id: string) => keepErrorReports(() => loadServedModel(path.join(models, id)));

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      id: { type: 'string', default: 'auto' },
      first: { type: 'string', default: '' },
      second: { type: 'string', default: '' },
      data: { type: 'string' },
      agreement: { type: 'string', default: '0.995' },
      models: { type: 'string', default: 'models' },
    },
  });
  const agreement = Number(values.agreement);
  if (values.first === '' || values.second === '') throw new DataError('Say which: --first SMALL --second LARGE.');
  if (!(agreement > 0 && agreement <= 1))
    throw new DataError(`--agreement takes a share up to 1, not "${values.agreement}".`);
  const { margin, measured } = await makeCascade({ ...values, data: values.data, agreement });
  console.log(
    `${values.first} answers from a margin of ${margin} on: ${percent(measured.answeredByFirst)} of ${measured.images} images of ` +
      `${measured.dataset}; ${percent(measured.agreement)} as ${values.second} alone`,
  );
  console.log(
    `${(measured.meanMacs / 1e6).toFixed(2)} million multiplications an image, ${(measured.secondMacs / 1e6).toFixed(2)} alone; ` +
      `top-1 ${percent(measured.top1)}, ${percent(measured.secondTop1)} alone`,
  );
}

if (process.argv[1] === import.meta.filename) await runCommand(main, [DataError, ServiceError]);
