import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ModelInput } from '../../functions/catalogue/manifest.ts';
import { DataError } from './errors.ts';
import type { LabelledImages } from './labelled-images.ts';
import type { Skipped } from './prepare.ts';
import { FOLDER_CACHE, prepareFolder } from './prepared-folder.ts';
import { PARTS, type Part, type Sample, split } from './split.ts';

/** Images that come from files. */
export interface NamedImages extends LabelledImages {
  /** `[count]`, paths below the folder. */
  readonly names: readonly string[];
}

export interface LabelledFolder extends Readonly<Record<Part, NamedImages>> {
  /** How pictures became the network's input; scale and offset are 1/255 and 0. */
  readonly input: ModelInput;
  /** Files that were not used, and why. */
  readonly skipped: readonly Skipped[];
}

export interface FolderOptions {
  /** Width and height of the network's input. */
  readonly size: number;
  readonly channels: ModelInput['channels'];
  /**
   * Of the split. Leave it alone: it is no seed of training, and a network must be measured later on images that it
   * was not trained on.
   */
  readonly seed?: number;
  readonly progress?: (done: number, of: number) => void;
  readonly cache?: string;
}

/** Positions of classes are kept in a byte. */
const MAX_CLASSES = 256;

/** The shorter side to `size` and the centre out of it, antialiased: nothing is stretched. */
export function folderInput(size: number, channels: ModelInput['channels']): ModelInput {
  const resize = { rule: 'shorter-side', size, filter: 'bilinear' } as const;
  return { width: size, height: size, channels, resize, scale: [1 / 255], offset: [0] };
}

/**
 * A folder with a sub-folder a class, or with `train/`, `test/` and perhaps `validation/` that hold those, as images to
 * train, validate and test with. What is not split already is split by {@link split}.
 * @throws DataError where there are no two classes with images for every part
 */
export function loadImageFolder(dir: string, options: FolderOptions): Promise<LabelledFolder> {
  return loadFolderAs(folderInput(options.size, options.channels), dir, options);
}

/** The same for a network that has its own way to be fed. */
export async function loadFolderAs(
  input: ModelInput,
  dir: string,
  { seed = 1, progress = () => {}, cache = FOLDER_CACHE }: Omit<FolderOptions, 'size' | 'channels'> = {},
): Promise<LabelledFolder> {
  const { classNames, files } = await classFolders(dir);
  const prepared = await prepareFolder(dir, [...files.keys()], input, progress, cache);
  const samples = prepared.pictures.flatMap(({ name, hash }, at): Sample[] => {
    const place = files.get(name);
    return place ? [{ at, name, rank: rankOf(seed, hash), hash, ...place }] : [];
  });
  const { parts, doubled } = split(dir, classNames, samples);
  const bytes = prepared.pixels.length / Math.max(prepared.pictures.length, 1);
  const gather = (part: readonly Sample[]): NamedImages => {
    const images = new Uint8Array(part.length * bytes);
    for (const [to, { at }] of part.entries()) {
      images.set(prepared.pixels.subarray(at * bytes, (at + 1) * bytes), to * bytes);
    }
    return {
      images,
      shape: [input.height, input.width, input.channels === 'grey' ? 1 : 3],
      labels: Uint8Array.from(part, ({ label }) => label),
      classNames,
      count: part.length,
      names: part.map(({ name }) => name),
    };
  };
  return {
    input,
    train: gather(parts.train),
    validation: gather(parts.validation),
    test: gather(parts.test),
    skipped: [...prepared.skipped, ...doubled],
  };
}

const rankOf = (seed: number, hash: string): string => createHash('sha256').update(`${seed}:${hash}`).digest('hex');

interface ClassFolders {
  readonly classNames: readonly string[];
  /** Path below the folder → class, and the part where the folder says it. */
  readonly files: ReadonlyMap<string, { readonly label: number; readonly part?: Part }>;
}

async function classFolders(dir: string): Promise<ClassFolders> {
  const top = await foldersIn(dir);
  const parts = PARTS.filter((part) => top.includes(part));
  const isSplit = parts.includes('train') && parts.includes('test');
  const roots = isSplit ? parts : ['.'];
  const inRoots = await Promise.all(roots.map((root) => foldersIn(path.join(dir, root))));
  const classNames = inRoots[isSplit ? roots.indexOf('train') : 0] ?? [];
  if (classNames.length < 2 || classNames.length > MAX_CLASSES) {
    throw new DataError(
      `${dir} has sub-folders for ${classNames.length} classes (${classNames.slice(0, 5).join(', ')}), and 2 to ${MAX_CLASSES} can be ` +
        'told apart: give a folder with one sub-folder of pictures for each class, or train/ and test/ with those.',
    );
  }
  const files = new Map<string, { label: number; part?: Part }>();
  for (const [index, root] of roots.entries()) {
    const names = inRoots[index] ?? [];
    if (names.join('/') !== classNames.join('/')) {
      const odd = [...names, ...classNames].find((name) => !names.includes(name) || !classNames.includes(name));
      throw new DataError(`The class "${odd}" is not in both ${path.join(dir, 'train')} and ${path.join(dir, root)}.`);
    }
    const part = PARTS.find((known) => isSplit && known === root);
    for (const [label, name] of classNames.entries()) {
      for (const file of await filesIn(path.join(dir, root, name))) {
        files.set(path.join(root, name, file), { label, ...(part && { part }) });
      }
    }
  }
  return { classNames, files };
}

const isHidden = (name: string) => name.split(path.sep).some((part) => part.startsWith('.')) || name === 'Thumbs.db';

async function foldersIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => {
    throw new DataError(
      `${dir} is no folder that can be read: give one with a sub-folder of pictures for each class, or with Fashion-MNIST's files.`,
    );
  });
  const names = entries.map(({ name }) => name).filter((name) => !isHidden(name));
  const stats = await Promise.all(names.map((name) => stat(path.join(dir, name)).catch(() => undefined)));
  return names.filter((_, at) => stats[at]?.isDirectory()).sort();
}

/** All of them, whatever they are called: what is no picture is then said to be none. */
async function filesIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() || entry.isSymbolicLink());
  return files
    .map(({ parentPath, name }) => path.relative(dir, path.join(parentPath, name)))
    .filter((name) => !isHidden(name))
    .sort();
}
