import path from 'node:path';
import { parseArgs } from 'node:util';
import { modelIdSchema } from '../../functions/catalogue/manifest.ts';
import { DataError } from '../data/errors.ts';
import { type Feeding, PRESETS, type Preset } from './presets.ts';

/** What `compile` and `models add` are told. */
export interface CompileOptions {
  readonly from: string;
  readonly id: string;
  /** Folder of pictures. */
  readonly calibrate: string;
  /** The model folder to write. */
  readonly out: string;
  readonly feeding: Preset | Feeding;
  readonly labels: string | undefined;
  readonly title: string;
  /** Least share of held-out images on which float and integer agree. */
  readonly minAgreement: number;
  readonly denseBits: 4 | 8;
  readonly source: string | undefined;
  readonly licence: string;
}

/** For `parseArgs`. */
export const COMPILE_FLAGS = {
  from: { type: 'string' },
  id: { type: 'string' },
  calibrate: { type: 'string' },
  out: { type: 'string' },
  preset: { type: 'string' },
  channels: { type: 'string' },
  scale: { type: 'string' },
  offset: { type: 'string' },
  resize: { type: 'string' },
  labels: { type: 'string' },
  title: { type: 'string' },
  'min-agreement': { type: 'string' },
  'dense-bits': { type: 'string' },
  source: { type: 'string' },
  licence: { type: 'string' },
} as const;

export type CompileFlags = { readonly [F in keyof typeof COMPILE_FLAGS]?: string };

/** @throws DataError saying which option is wrong and what it takes */
export function compileOptions(args: readonly string[]): CompileOptions {
  return optionsOf(parseArgs({ args: withNegatives(args), options: COMPILE_FLAGS }).values);
}

/** `--offset -1` as `--offset=-1`: `parseArgs` takes a value that begins with a dash for another option. */
export function withNegatives(args: readonly string[]): string[] {
  return args.flatMap((arg, index) => {
    const valued = (name: string | undefined) => name === '--offset' || name === '--scale';
    const next = args[index + 1] ?? '';
    if (valued(arg) && next.startsWith('-')) return [`${arg}=${next}`];
    return valued(args[index - 1]) && arg.startsWith('-') ? [] : [arg];
  });
}

export function optionsOf(flags: CompileFlags): CompileOptions {
  const id = modelIdSchema.safeParse(required(flags, 'id'));
  if (!id.success) throw new DataError(`--id ${flags.id}: ${id.error.issues[0]?.message ?? 'is no model id'}.`);
  return {
    from: required(flags, 'from'),
    id: id.data,
    calibrate: required(flags, 'calibrate'),
    out: flags.out ?? `models/${id.data}`,
    feeding: flags.preset === undefined ? feedingOf(flags) : oneOf('preset', flags.preset, PRESETS),
    labels: flags.labels,
    title: flags.title ?? id.data,
    minAgreement: share('min-agreement', flags['min-agreement'] ?? '0.9'),
    denseBits: oneOf('dense-bits', flags['dense-bits'] ?? '4', ['4', '8']) === '4' ? 4 : 8,
    source: flags.source,
    licence: flags.licence ?? 'not stated',
  };
}

/** The command that makes this model again; files by their names, since a card travels. */
export function commandOf({ from, id, feeding, calibrate, labels, denseBits }: CompileOptions): string {
  const fed =
    typeof feeding === 'string'
      ? `--preset ${feeding}`
      : `--channels ${feeding.channels} --scale ${feeding.scale} --offset ${feeding.offset} --resize ${feeding.resize}`;
  const names = labels === undefined ? '' : ` --labels ${path.basename(labels)}`;
  const bits = denseBits === 4 ? '' : ` --dense-bits ${denseBits}`;
  return `npm run models -- add ${id} --from ${path.basename(from)} ${fed} --calibrate ${path.basename(calibrate)}${names}${bits}`;
}

function feedingOf(flags: CompileFlags): Feeding {
  if (flags.channels === undefined) {
    throw new DataError(
      `Say how pictures are fed: --preset ${PRESETS.join('|')}, or --channels, --scale and --offset.`,
    );
  }
  return {
    channels: oneOf('channels', flags.channels, ['rgb', 'bgr', 'grey']),
    scale: numbers('scale', flags.scale ?? '1'),
    offset: numbers('offset', flags.offset ?? '0'),
    resize: oneOf('resize', flags.resize ?? 'stretch', ['stretch', 'crop']),
  };
}

function required(flags: CompileFlags, name: 'from' | 'id' | 'calibrate'): string {
  const value = flags[name];
  if (value === undefined || value === '') throw new DataError(`--${name} is missing.`);
  return value;
}

/** @throws DataError saying what the option takes */
export function oneOf<T extends string>(name: string, value: string, all: readonly T[]): T {
  const found = all.find((candidate) => candidate === value);
  if (found === undefined) throw new DataError(`--${name} takes one of ${all.join(', ')}; it is "${value}".`);
  return found;
}

function numbers(name: string, text: string): number[] {
  const values = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (values.length > 3 || values.some((value) => !Number.isFinite(value))) {
    throw new DataError(`--${name} takes one to three numbers separated by commas; it is "${text}".`);
  }
  return values;
}

function share(name: string, text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value >= 0 && value <= 1)) throw new DataError(`--${name} takes a share from 0 to 1; it is "${text}".`);
  return value;
}
