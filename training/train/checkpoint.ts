import { open, readFile, rename, rm } from 'node:fs/promises';
import { TrainingError } from './errors.ts';
import type { NamedArrays } from './gradient-engine.ts';
import type { TrainingState } from './state.ts';

/** What a checkpoint belongs to: training goes on from it only where all of this is the same. */
export interface Identity {
  readonly network: string;
  readonly [what: string]: string | number | boolean;
}

const MAGIC = 'training checkpoint 1';
const GROUPS = ['parameters', 'averaged', 'first', 'second', 'best'] as const;
type Group = (typeof GROUPS)[number];

interface Header {
  readonly identity: Identity;
  readonly step: number;
  readonly running: TrainingState['running'];
  readonly best: { readonly epoch: number; readonly accuracy: number; readonly loss: number } | null;
  readonly arrays: readonly { readonly group: Group; readonly name: string; readonly length: number }[];
}

/**
 * One file: two lines of text (what it is, a JSON header), then the numbers, float32 little-endian. It is written beside
 * the last one and renamed when it is whole and on the disk.
 * @throws Error where it cannot be written; the last one is as it was
 */
export async function writeCheckpoint(file: string, identity: Identity, state: TrainingState): Promise<void> {
  const groups: Readonly<Record<Group, NamedArrays>> = {
    parameters: state.parameters,
    averaged: state.averaged,
    first: state.moments.first,
    second: state.moments.second,
    best: state.best?.parameters ?? new Map(),
  };
  const arrays = GROUPS.flatMap((group) => [...groups[group]].map(([name, values]) => ({ group, name, values })));
  const header: Header = {
    identity,
    step: state.step,
    running: state.running,
    best: state.best && { epoch: state.best.epoch, accuracy: state.best.accuracy, loss: state.best.loss },
    arrays: arrays.map(({ group, name, values }) => ({ group, name, length: values.length })),
  };
  const fresh = `${file}.new`;
  const handle = await open(fresh, 'w');
  try {
    try {
      await handle.writeFile(`${MAGIC}\n${JSON.stringify(header)}\n`);
      for (const { values } of arrays) {
        await handle.writeFile(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(fresh, file);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}

/**
 * Puts what a checkpoint holds into the state of a network that has just been made.
 * @throws TrainingError where the file is damaged, or is of another network or plan: it says which and what differs
 */
export async function readCheckpoint(file: string, identity: Identity, state: TrainingState): Promise<void> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new TrainingError(`There is no checkpoint to resume from (${file}: ${error.code}). Train without --resume.`);
  });
  const { header, numbers } = parse(bytes, file);
  mustBeSame(header.identity, identity, file);
  const best = new Map<string, Float32Array>();
  const { parameters, averaged, moments } = state;
  const groups: Record<Exclude<Group, 'best'>, NamedArrays> = { parameters, averaged, ...moments };
  let at = 0;
  for (const { group, name, length } of header.arrays) {
    const values = numbers.slice(at, at + length);
    at += length;
    if (group === 'best') best.set(name, values);
    else groups[group].get(name)?.set(values);
  }
  state.step = header.step;
  state.running = header.running;
  state.best = header.best && { ...header.best, parameters: best };
}

function parse(bytes: Buffer, file: string): { header: Header; numbers: Float32Array } {
  const [first, second] = [bytes.indexOf('\n'), bytes.indexOf('\n', MAGIC.length + 1)];
  if (bytes.toString('utf8', 0, first) !== MAGIC) throw damaged(file, 'it does not begin as one');
  let header: Header;
  try {
    header = JSON.parse(bytes.toString('utf8', first + 1, second)) as Header;
  } catch {
    throw damaged(file, 'its header cannot be read');
  }
  const body = bytes.subarray(second + 1);
  const length = header.arrays.reduce((sum, array) => sum + array.length, 0);
  if (body.length !== 4 * length) throw damaged(file, `it holds ${body.length} bytes of numbers, not ${4 * length}`);
  const numbers = new Float32Array(length);
  new Uint8Array(numbers.buffer).set(body);
  return { header, numbers };
}

function mustBeSame(found: Identity, wanted: Identity, file: string): void {
  if (found.network !== wanted.network) {
    throw new TrainingError(
      `${file} is a checkpoint of the network "${found.network}", not of "${wanted.network}". ` +
        'Train without --resume to begin anew, or with another --id.',
    );
  }
  const odd = Object.keys(wanted).find((what) => found[what] !== wanted[what]);
  if (odd === undefined) return;
  throw new TrainingError(
    `${file} is of a training with ${odd} ${found[odd]}, and this one has ${wanted[odd]}. ` +
      'Resume with the options that it began with, or train without --resume to begin anew.',
  );
}

const damaged = (file: string, why: string) =>
  new TrainingError(`${file} is no checkpoint that can be read: ${why}. Train without --resume to begin anew.`);
