/**
 * npm run advice -- --model ID --images DIR [--limit 200] [--edges 320,448,…] [--qualities 0.85,0.95] [--goal 0.995] [--record]
 *
 * How small photos may be made before they are sent: the smallest longest edge at which a published model names the same
 * class first as at full size. Pictures smaller than a photo are enlarged to one of 12 megapixels first. --record puts
 * it into manifest and card; `GET /models/{id}` tells it as `upload`.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Upload } from '../functions/catalogue/upload.ts';
import { ServiceError } from '../functions/errors.ts';
import { DataError } from './data/errors.ts';
import { evenly, PICTURE } from './data/image-folder.ts';
import { preparer } from './data/prepare.ts';
import { interval95 } from './evaluate/interval.ts';
import { type Photo, photoOf } from './evaluate/photos.ts';
import { highest } from './evaluate/predictions.ts';
import { loadServedModel } from './evaluate/served-model.ts';
import { type Attempt, adviceOf, tryUploads } from './evaluate/upload-advice.ts';
import { recordFindings } from './publish/record.ts';
import { runCommand } from './terminal/command.ts';
import { keepErrorReports } from './terminal/error-reports.ts';
import { Progress } from './terminal/progress.ts';
import { table } from './terminal/table.ts';

const EDGES = [128, 192, 256, 320, 384, 448, 512, 640, 800, 1024, 1600];
const QUALITIES = [0.85, 0.95];

export interface AdviceOptions {
  /** A model of `models/`, or the path of its folder. */
  readonly model: string;
  /** Folder of pictures of the model's kind; they need no labels. */
  readonly images: string;
  readonly limit: number;
  readonly edges?: readonly number[] | undefined;
  readonly qualities?: readonly number[] | undefined;
  readonly goal: number;
  readonly record?: boolean;
}

/** @throws DataError, ServiceError saying which of model and pictures is wrong */
export async function measureAdvice(options: AdviceOptions): Promise<Upload> {
  const folder = options.model.includes(path.sep) ? options.model : path.join('models', options.model);
  const { manifest, classifier } = await keepErrorReports(() => loadServedModel(folder));
  const { input } = manifest;
  const files = await readdir(options.images, { recursive: true, encoding: 'utf8' });
  const names = evenly(files.filter((name) => PICTURE.test(name)).sort(), options.limit);
  if (names.length === 0) throw new DataError(`${options.images} holds no JPEG, PNG or WebP picture.`);
  const prepare = preparer(input);
  const progress = new Progress(manifest.id, names.length);
  let enlarged = 0;
  const isGarment = input.resize.rule === 'fashion';
  async function* photos(): AsyncGenerator<Photo> {
    for (const [at, name] of names.entries()) {
      const photo = await photoOf(await readFile(path.join(options.images, name)), isGarment);
      if (photo.enlarged) enlarged++;
      yield photo;
      progress.update(at + 1);
    }
  }
  const least = Math.max(input.width, input.height);
  const attempts = await tryUploads({
    classOf: async (file) => highest(Float64Array.from(await classifier.classify(await prepare(file), 1))),
    photos: photos(),
    count: names.length,
    edges: options.edges ?? EDGES.filter((edge) => edge >= least),
    qualities: options.qualities ?? QUALITIES,
    goal: options.goal,
  });
  progress.done();
  console.log(table(['longest edge', 'quality', 'as at full size', 'bytes on average'], attempts.map(row)));
  const dataset = path.basename(path.resolve(options.images));
  const upload = adviceOf(attempts, options.goal, { enlarged, dataset });
  if (!upload) throw new DataError('Nothing was tried: give --edges and --qualities at least one number each.');
  const [low, high] = interval95(upload.agreement, upload.images).map((share) => (100 * share).toFixed(1));
  console.log(
    `${upload.longestEdge === null ? 'none reaches the goal; the best' : `${upload.longestEdge} pixels`}: ` +
      `${(100 * upload.agreement).toFixed(2)} % of ${upload.images} pictures, 95 % interval ${low} to ${high} %`,
  );
  if (options.record) {
    await recordFindings(folder, { upload });
    console.error(`recorded in ${path.join(folder, 'manifest.json')}`);
  }
  return upload;
}

function row({ longestEdge, quality, same, bytes, stopped }: Attempt): string[] {
  const mean = bytes.reduce((sum, size) => sum + size, 0) / Math.max(bytes.length, 1);
  const share = `${same} of ${bytes.length}${stopped ? ', given up' : ''}`;
  return [`${longestEdge}`, `${quality}`, share, mean.toFixed(0)];
}

/** @throws DataError where one of them is not a number within the bounds */
function numbers(list: string | undefined, name: string, most: number): number[] | undefined {
  const values = list?.split(',').map(Number);
  if (values?.some((value) => !(value > 0 && value <= most)))
    throw new DataError(`--${name} takes numbers up to ${most}, with commas between, not "${list}".`);
  return values;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: '' },
      images: { type: 'string', default: '' },
      limit: { type: 'string', default: '200' },
      edges: { type: 'string' },
      qualities: { type: 'string' },
      goal: { type: 'string', default: '0.995' },
      record: { type: 'boolean', default: false },
    },
  });
  if (values.model === '' || values.images === '')
    throw new DataError('Say which model and which pictures: --model resnet50 --images FOLDER.');
  const [goal = 0] = numbers(values.goal, 'goal', 1) ?? [];
  const [limit = 0] = numbers(values.limit, 'limit', 100_000) ?? [];
  const edges = numbers(values.edges, 'edges', 20_000);
  if (edges?.some((edge) => !Number.isInteger(edge))) throw new DataError('--edges takes whole pixels.');
  const qualities = numbers(values.qualities, 'qualities', 1);
  await measureAdvice({ ...values, goal, limit, edges, qualities });
}

if (process.argv[1] === import.meta.filename) await runCommand(main, [DataError, ServiceError]);
