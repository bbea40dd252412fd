import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../functions/catalogue/catalogue.ts';
import { type Certainty, coverageIndex } from '../../../functions/catalogue/certainty.ts';
import type { Manifest } from '../../../functions/catalogue/manifest.ts';
import { taxonomyOf } from '../../../functions/catalogue/taxonomy.ts';
import { type AnswerOptions, answerOf } from '../../../functions/classify/answer-of.ts';

const LABELS = ['pug', 'beagle', 'tabby', 'tiger', 'truck'];
const ANIMALS = {
  groups: [
    { label: 'animal', of: ['dog', 'cat', 3] },
    { label: 'dog', synset: 'n02084071', of: [0, 1] },
    { label: 'cat', of: [2] },
    { label: 'vehicle', of: [4] },
  ],
};

function entry(certainty?: Certainty, more: { taxonomy?: unknown; output?: Manifest['output'] } = {}): Entry {
  const { taxonomy = ANIMALS, output = { kind: 'logits', temperature: 1 } } = more;
  const manifest = { id: 'm', version: 'v', revision: 1, output, ...(certainty && { certainty }) };
  return {
    manifest: manifest as unknown as Manifest,
    labels: LABELS.map((label) => ({ label })),
    prototypes: undefined,
    taxonomy: taxonomy === null ? undefined : taxonomyOf(taxonomy, LABELS.length),
  };
}
const ask = (logits: number[], options: Partial<AnswerOptions>, of = entry(), novelty?: number) =>
  answerOf(
    of,
    { scores: Float32Array.from(logits), ...(novelty !== undefined && { novelty }) },
    { topK: undefined, minScore: undefined, ...options },
  );
const logs = (...probabilities: number[]) => probabilities.map((p) => Math.log(p));
const near = (value: number) => expect.closeTo(value, 5);

describe('rollup', () => {
  it('says that two breeds are a dog, before the animal that it is too', () => {
    const { groups, predictions } = ask(logs(0.4, 0.35, 0.05, 0.15, 0.05), { rollup: true, topK: 3 });
    expect(predictions[0]).toMatchObject({ label: 'pug', score: near(0.4) });
    expect(groups).toEqual([
      {
        synset: 'n02084071',
        label: 'dog',
        score: near(0.75),
        of: [
          { label: 'pug', index: 0, score: near(0.4) },
          { label: 'beagle', index: 1, score: near(0.35) },
        ],
        within: ['animal'],
      },
      expect.objectContaining({ label: 'animal', score: near(0.95), within: [] }),
      expect.objectContaining({ label: 'cat', score: near(0.05), within: ['animal'] }),
    ]);
  });

  it('leaves out groups below min_score', () => {
    const { groups } = ask(logs(0.4, 0.35, 0.05, 0.15, 0.05), { rollup: true, minScore: 0.5 });
    expect(groups?.map(({ label }) => label)).toEqual(['dog', 'animal']);
  });

  it('is not there where it was not asked for, and refused where the model has no groups', () => {
    expect(ask(logs(0.2, 0.2, 0.2, 0.2, 0.2), {})).not.toHaveProperty('groups');
    expect(() => ask([0, 0, 0, 0, 0], { rollup: true }, entry(undefined, { taxonomy: null }))).toThrow(
      /"m" has no groups of classes/,
    );
  });
});

describe('within', () => {
  it('brings the scores of the group to a sum of 1, and leaves all others out', () => {
    for (const within of ['dog', 'n02084071']) {
      const { predictions } = ask(logs(0.06, 0.02, 0.01, 0.01, 0.9), { within });
      expect(predictions).toEqual([
        { label: 'pug', index: 0, score: near(0.75) },
        { label: 'beagle', index: 1, score: near(0.25) },
      ]);
    }
  });

  it('tells classes apart whose scores are too small for a float32', () => {
    const { predictions } = ask([-300, -301, 0, 0, 0], { within: 'dog' });
    expect(predictions[0]?.score).toBeCloseTo(1 / (1 + Math.exp(-1)), 5);
  });

  it('works for a network that ends in softmax, also where it gives its group nothing', () => {
    const softmax = entry(undefined, { output: { kind: 'softmax', temperature: 1 } });
    const of = (scores: number[]) => ask(scores, { within: 'dog' }, softmax).predictions.map(({ score }) => score);
    expect(of([0.06, 0.02, 0.01, 0.01, 0.9])).toEqual([near(0.75), near(0.25)]);
    expect(of([0, 0, 0, 0, 1])).toEqual([0.5, 0.5]);
  });

  it('can be narrowed by labels, and rolled up', () => {
    const { predictions, groups } = ask(logs(0.3, 0.1, 0.1, 0.1, 0.4), {
      within: 'animal',
      labels: ['pug', 'truck'],
      rollup: true,
    });
    expect(predictions).toEqual([{ label: 'pug', index: 0, score: near(0.5) }]);
    expect(groups?.map(({ label, score }) => [label, score])).toEqual([
      ['dog', near(0.5)],
      ['animal', near(0.5)],
    ]);
  });

  it.each(['bird', '', 'x'.repeat(200)])('refuses the group "%s" and names those that there are', (within) => {
    expect(() => ask([0, 0, 0, 0, 0], { within })).toThrow(/no group.*animal, dog, cat, vehicle/);
  });
});

describe('near_tie', () => {
  const certainty: Certainty = { nearTie: { dataset: 'd', images: 100, margin: 0.25 } };
  it.each<[string, number[], Partial<AnswerOptions>, boolean | null]>([
    ['inside', [1, 1.2, 0, 0, 0], {}, true],
    ['on the edge', [1, 1.25, 0, 0, 0], {}, true],
    ['outside', [1, 1.3, 0, 0, 0], {}, false],
    ['between the labels that are chosen from', [1, 9, 1.2, 0, 0], { labels: ['pug', 'tabby'] }, true],
    ['of a single class', [1, 1, 1, 1, 1], { labels: ['pug'] }, false],
  ])('%s', (_name, logits, options, expected) => {
    expect(ask(logits, options, entry(certainty)).near_tie).toBe(expected);
  });

  it('is null where the error was not measured', () => {
    expect(ask([0, 0, 0, 0, 0], {}).near_tie).toBeNull();
  });
});

describe('unknown', () => {
  const measured = { falseRejects: 0.05, dataset: 'd', images: 100, measuredFalseRejects: 0.05, others: [] };
  const withMethod = (method: 'energy' | 'max-logit' | 'prototype', threshold: number) =>
    entry({ unknown: { ...measured, method, threshold } });

  it('is the energy of the logits, or minus the highest', () => {
    const logits = [3, 1, 0, -1, -2];
    const energy = -Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
    expect(ask(logits, {}, withMethod('energy', energy + 0.01)).unknown).toEqual({
      score: near(energy),
      is_unknown: false,
    });
    expect(ask(logits, {}, withMethod('energy', energy - 0.01)).unknown).toMatchObject({ is_unknown: true });
    expect(ask(logits, {}, withMethod('max-logit', -3.5)).unknown).toEqual({ score: -3, is_unknown: true });
  });

  it('is what prototypes told, where they do', () => {
    const of = withMethod('prototype', 0.25);
    expect(ask([9, 0, 0, 0, 0], {}, of, 0.5).unknown).toEqual({ score: 0.5, is_unknown: true });
    expect(ask([0, 0, 0, 0, 0], {}, of, 0.25).unknown).toEqual({ score: 0.25, is_unknown: false });
  });

  it('empties the answer where reject_unknown asks for it', () => {
    const known = ask([5, 0, 0, 0, 0], { rejectUnknown: true, rollup: true }, withMethod('max-logit', -1));
    expect([known.predictions.length, known.groups?.length]).toEqual([5, 4]);
    const strange = ask([0.5, 0, 0, 0, 0], { rejectUnknown: true, rollup: true }, withMethod('max-logit', -1));
    expect(strange).toMatchObject({ predictions: [], groups: [], unknown: { is_unknown: true } });
    expect(ask([0.5, 0, 0, 0, 0], {}, withMethod('max-logit', -1)).predictions.length).toBe(5);
  });

  it('is null where no threshold was fitted, and cannot reject', () => {
    expect(ask([0, 0, 0, 0, 0], {}).unknown).toBeNull();
    expect(() => ask([0, 0, 0, 0, 0], { rejectUnknown: true })).toThrow(/reject_unknown was not measured/);
  });
});

describe('coverage', () => {
  const thresholds = Array.from({ length: 50 }, (_, n) => 0.5 - n / 100);
  const conformal = { dataset: 'd', images: 9, freshImages: 9, thresholds, coverageAt95: 0.95, meanSizeAt95: 1.2 };
  const of = entry({ conformal });

  it('gives the labels from a threshold on, and always the first', () => {
    const set = (coverage: number) => ask(logs(0.44, 0.3, 0.16, 0.06, 0.04), { coverage }, of).label_set;
    // Thresholds: 0.50 at 0.50, 0.25 at 0.75, 0.05 at 0.95, 0.01 at 0.99.
    expect(set(0.5)?.labels.map(({ label }) => label)).toEqual(['pug']);
    expect(set(0.75)?.labels.map(({ label }) => label)).toEqual(['pug', 'beagle']);
    expect(set(0.95)?.labels.map(({ label }) => label)).toEqual(['pug', 'beagle', 'tabby', 'tiger']);
    expect(set(0.99)).toMatchObject({
      coverage: 0.99,
      labels: [{ score: near(0.44) }, {}, {}, {}, { label: 'truck' }],
    });
  });

  it('takes the next higher of those that were fitted', () => {
    expect([0.5, 0.57, 0.951, 0.99].map(coverageIndex)).toEqual([0, 7, 46, 49]);
    expect([0.49, 0.999, Number.NaN].map(coverageIndex)).toEqual([-1, -1, -1]);
  });

  it('is refused where it was not fitted, and of some classes alone', () => {
    expect(() => ask([0, 0, 0, 0, 0], { coverage: 0.9 })).toThrow(/coverage was not measured/);
    for (const options of [{ within: 'dog' }, { labels: ['pug'] }]) {
      expect(() => ask([0, 0, 0, 0, 0], { coverage: 0.9, ...options }, of)).toThrow(/is of all classes/);
    }
  });
});
