import type { Entry } from '../catalogue/catalogue.ts';
import type { Group } from '../catalogue/taxonomy.ts';
import { ServiceError } from '../errors.ts';
import type { GroupScore } from './answer.ts';
import { type Ranking, rank } from './scores.ts';

/**
 * What a picture is in wider terms: of five breeds of dog, a dog. First the groups whose own classes, those of no
 * narrower group, hold most; so a dog comes before the mammal and the animal that it is too.
 * @param scores probabilities `[classes]`
 * @throws ServiceError `option-unavailable` where the model has no groups
 */
export function groupScores(scores: Float32Array, entry: Entry, { topK, minScore, among }: Ranking): GroupScore[] {
  const sum = (classes: readonly number[]) =>
    classes.reduce((total, index) => total + (!among || among.has(index) ? (scores[index] ?? 0) : 0), 0);
  const ranked = groupsOf(entry)
    .map((group) => ({ group, score: Math.min(1, sum(group.classes)), own: sum(group.own) }))
    .filter(({ score }) => score > 0 && score >= minScore)
    .sort((a, b) => b.own - a.own || b.score - a.score);
  return ranked.slice(0, topK).map(({ group: { label, synset, classes, within }, score }) => {
    const inside = new Set(classes.filter((index) => !among || among.has(index)));
    return {
      ...(synset !== undefined && { synset }),
      label,
      score: Math.fround(score),
      of: rank(scores, entry.labels, { topK, minScore: Number.MIN_VALUE, among: inside }),
      within: [...within],
    };
  });
}

/** @throws ServiceError `bad-option` where there is no such group, naming those that there are */
export function groupNamed(name: string, entry: Entry): Group {
  const groups = groupsOf(entry);
  const found = groups.find(({ label, synset }) => label === name || synset === name);
  if (found) return found;
  throw new ServiceError(
    'bad-option',
    `The model has no group "${name.slice(0, 100)}".`,
    `These are its groups: ${groups.map(({ label }) => label).join(', ')}.`,
    { fields: [{ detail: 'names no group', pointer: '#/within' }] },
  );
}

function groupsOf({ manifest, taxonomy }: Entry): readonly Group[] {
  if (taxonomy) return taxonomy;
  throw new ServiceError(
    'option-unavailable',
    `"${manifest.id}" has no groups of classes.`,
    'Ask without rollup and within; whoever publishes the model can put a taxonomy.json beside its labels.',
  );
}
