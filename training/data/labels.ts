import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Label } from '../../functions/catalogue/manifest.ts';
import { DataError } from './errors.ts';
import { CLASS_NAMES } from './fashion-mnist.ts';

/**
 * Names of a network's classes: from a file with one a line, or `index, synset, name` separated by tabs, or a JSON list
 * (alone, or as `labels` of a Teachable Machine's metadata.json).
 * @throws DataError where the file has not `classes` of them
 */
export async function readLabels(file: string, classes: number): Promise<readonly Label[]> {
  const labels = parse(file, await readFile(file, 'utf8'));
  if (labels.length !== classes) {
    throw new DataError(`${file} names ${labels.length} classes, and the network has ${classes}.`);
  }
  return labels;
}

/** The 1,000 classes of ImageNet in the order of their synsets, as Keras spells them. */
export const imagenetLabelsFile = path.join(import.meta.dirname, 'imagenet-labels.tsv');
export const imagenetLabels = (): Promise<readonly Label[]> => readLabels(imagenetLabelsFile, 1000);

export const fashionLabels: readonly Label[] = CLASS_NAMES.map((label) => ({ label }));

/** Where nobody says more. */
export const numberedLabels = (classes: number): readonly Label[] =>
  Array.from({ length: classes }, (_, index) => ({ label: `class ${index}` }));

function parse(file: string, text: string): Label[] {
  if (file.toLowerCase().endsWith('.json')) return parseJson(file, text);
  const lines = text.split(/\r?\n/);
  while (lines.at(-1)?.trim() === '') lines.pop();
  if (lines[0] === 'index\tsynset\tname') lines.shift();
  return lines.map((line, index) => {
    const cells = line.split('\t').map((cell) => cell.trim());
    const [number, synset = '', name = ''] = cells;
    if (cells.length === 3 && Number(number) === index) return { label: name, synset };
    if (line.trim() === '') throw new DataError(`${file}: line ${index + 1} is empty; each line names a class.`);
    return { label: line.trim() };
  });
}

function parseJson(file: string, text: string): Label[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DataError(`${file} is no JSON: ${(error as Error).message}`);
  }
  const list = typeof value === 'object' && value !== null && 'labels' in value ? value.labels : value;
  if (!Array.isArray(list) || !list.every((name): name is string => typeof name === 'string' && name !== '')) {
    throw new DataError(`${file} is no list of names, and has no list "labels".`);
  }
  return list.map((label) => ({ label }));
}
