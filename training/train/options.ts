import path from 'node:path';
import { parseArgs } from 'node:util';
import { ARCHITECTURES, type Architecture } from '../architectures/table.ts';
import { TrainingError } from './errors.ts';
import { BACKENDS, type BackendName } from './open-engine.ts';

/** What `train` is told. */
export interface TrainOptions {
  readonly name: string;
  readonly architecture: Architecture;
  readonly epochs: number;
  readonly seed: number;
  readonly backend: BackendName | 'auto';
  readonly workers: number;
  readonly resume: boolean;
  /** Fashion-MNIST's files, or a sub-folder a class; undefined is Fashion-MNIST from the cache. */
  readonly data: string | undefined;
  /** Side of the images, and their channels, where they come from a folder. */
  readonly size: number;
  readonly channels: 'grey' | 'rgb';
  readonly id: string;
  /** The integer model's folder; the float one stands beside it. */
  readonly out: string;
}

const [SMALLEST, LARGEST] = [28, 224];
const MAX_WORKERS = 64;

/** @throws TrainingError saying which option is wrong and what it takes */
export function trainOptions(args: string[]): TrainOptions {
  const { values } = parseArgs({
    args,
    options: {
      model: { type: 'string', default: '' },
      epochs: { type: 'string' },
      seed: { type: 'string', default: '1' },
      backend: { type: 'string', default: 'auto' },
      workers: { type: 'string', default: '1' },
      resume: { type: 'boolean', default: false },
      data: { type: 'string' },
      size: { type: 'string', default: '64' },
      channels: { type: 'string', default: 'rgb' },
      id: { type: 'string' },
      out: { type: 'string' },
    },
  });
  const architecture = ARCHITECTURES.get(values.model);
  if (!architecture) {
    throw new TrainingError(`--model is one of ${[...ARCHITECTURES.keys()].join(', ')}, not "${values.model}".`);
  }
  const out = values.out ?? path.join('models', values.id ?? values.model);
  if (values.id !== undefined && path.basename(out) !== values.id) {
    throw new TrainingError(`A model's folder has the name of its id: --out ${out} cannot hold --id ${values.id}.`);
  }
  return {
    name: values.model,
    architecture,
    epochs: wholeNumber('epochs', values.epochs ?? String(architecture.recipe.epochs), 1),
    seed: wholeNumber('seed', values.seed, 0),
    backend: oneOf('backend', values.backend, ['auto', ...BACKENDS] as const),
    workers: wholeNumber('workers', values.workers, 1, MAX_WORKERS),
    resume: values.resume,
    data: values.data,
    size: wholeNumber('size', values.size, SMALLEST, LARGEST),
    channels: oneOf('channels', values.channels, ['grey', 'rgb'] as const),
    id: path.basename(out),
    out,
  };
}

function oneOf<T extends string>(option: string, value: string, all: readonly T[]): T {
  const found = all.find((known) => known === value);
  if (found === undefined) throw new TrainingError(`--${option} is one of ${all.join(', ')}, not "${value}".`);
  return found;
}

function wholeNumber(option: string, text: string, least: number, most = 2 ** 31): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < least || value > most) {
    const bound = most < 2 ** 31 ? `from ${least} to ${most}` : `of at least ${least}`;
    throw new TrainingError(`--${option} takes a whole number ${bound}, not "${text}".`);
  }
  return value;
}
