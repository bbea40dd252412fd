import { DataError } from './errors.ts';
import type { Skipped } from './prepare.ts';

export const PARTS = ['train', 'validation', 'test'] as const;
export type Part = (typeof PARTS)[number];

/** A picture that could be read. */
export interface Sample {
  /** Where its pixels are. */
  readonly at: number;
  readonly name: string;
  readonly label: number;
  readonly hash: string;
  /** Of the hash and the seed; decides the order. */
  readonly rank: string;
  /** Where the folder says it. */
  readonly part?: Part;
}

/** Of each class; the rest trains. */
const SHARE = 0.1;

/**
 * Which pictures train, validate and test. A tenth of each class tests and a tenth validates, at least one of each; which
 * ones follows from content and seed alone, so that a renamed file stays where it was. Parts that the folder has
 * are kept, and validation comes out of what trains where it has none. A picture that is there twice is used once, and where it
 * would train and be asked for, it is asked for.
 * @returns each part with its classes mixed. @throws DataError naming the class that has too few
 */
export function split(
  dir: string,
  classNames: readonly string[],
  samples: readonly Sample[],
): { readonly parts: Readonly<Record<Part, readonly Sample[]>>; readonly doubled: readonly Skipped[] } {
  const { single, doubled } = withoutDoubles(samples);
  const parts: Record<Part, Sample[]> = { train: [], validation: [], test: [] };
  const given = new Set(single.map(({ part }) => part));
  for (const [label, name] of classNames.entries()) {
    const own = single.filter((sample) => sample.label === label);
    const open = own.filter(({ part }) => part === undefined || part === 'train');
    const wanted = PARTS.filter((part) => part !== 'train' && !given.has(part));
    if (open.length < wanted.length + 1) {
      const uses = [...wanted.map((part) => (part === 'test' ? 'test' : 'validate')), 'train'].join(', ');
      throw new DataError(
        `${dir}: class "${name}" has ${open.length} ${open.length === 1 ? 'picture' : 'pictures'} that can be used, and needs ${wanted.length + 1} at ` +
          `least, one each to ${uses}. Add pictures, or remove its folder.`,
      );
    }
    const size = Math.max(1, Math.round(open.length * SHARE));
    for (const part of wanted) parts[part].push(...open.splice(0, size));
    parts.train.push(...open);
    for (const sample of own) if (sample.part && sample.part !== 'train') parts[sample.part].push(sample);
    const empty = PARTS.find((part) => !parts[part].some((sample) => sample.label === label));
    if (empty) throw new DataError(`${dir}: class "${name}" has no picture in ${empty}/ that can be used.`);
  }
  for (const part of PARTS) parts[part].sort(mixed);
  return { parts, doubled };
}

/** @returns by rank */
function withoutDoubles(samples: readonly Sample[]) {
  const first = new Map<string, Sample>();
  const doubled: Skipped[] = [];
  const importance = ({ part }: Sample) => (part ? PARTS.indexOf(part) : 0);
  for (const sample of samples.toSorted((a, b) => importance(b) - importance(a))) {
    const other = first.get(sample.hash);
    if (other) doubled.push({ name: sample.name, why: `It is the same file as ${other.name}.` });
    else first.set(sample.hash, sample);
  }
  return { single: [...first.values()].sort(byRank), doubled };
}

const byRank = (a: Sample, b: Sample) => (a.rank < b.rank ? -1 : 1);
/** By the half of the rank that did not decide the part: the first of what is left of each class would stand together. */
const mixed = (a: Sample, b: Sample) => (a.rank.slice(32) < b.rank.slice(32) ? -1 : 1);
